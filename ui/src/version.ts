/** The version of this UI, put in by the build. */
export const UI_VERSION = typeof __UI_VERSION__ === 'string' ? __UI_VERSION__ : '0.0.0';
