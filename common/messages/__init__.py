"""Every message, defined once: typed frozen structs, one decoder, the envelope, the outputs of a core."""
