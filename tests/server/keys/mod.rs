//! Key files: what they may hold, how keys are rotated, and the key that JRS generates.

mod generated_key;
mod generated_key_roles;
mod keys_file;
mod many_keys;
mod not_a_secret;
mod public_keys_refused;
mod reload_interval;
mod rotate_key;
mod rotated_keys;
mod rotation;
mod third_party_keys;
