//! The command line of Towline.
