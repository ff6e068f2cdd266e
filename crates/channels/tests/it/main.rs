//! Tests of the channels against a strict stand-in for the Bot API.
