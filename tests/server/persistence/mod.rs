//! AOF and RDB files. Servers that are killed under load are in `chaos::restarts`.

mod aof_and_rdb;
