//! The documentation is executed: dialogues, shell blocks, programs and tables.

mod clients;
mod compliance;
mod dialogues;
mod events;
mod info;
mod keys;
mod operations;
mod recipes;
mod replies;
mod repository;
