//! Every resource of an example fails at its turn.
