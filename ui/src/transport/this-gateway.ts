/** In a browser there is one gateway, and it has no other name to the pages. */
export const THIS_GATEWAY = 'this';
