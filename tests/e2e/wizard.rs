//! The wizard in the real window, from the first launch to two green gateways.
