//! AOF and RDB files, and what a killed server has after its restart.

mod aof_and_rdb;
mod crashes;
