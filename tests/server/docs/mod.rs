//! The documentation is executed: dialogues, shell blocks, programs and tables.

mod clients;
mod dialogues;
mod events;
mod keys;
mod replies;
mod repository;
