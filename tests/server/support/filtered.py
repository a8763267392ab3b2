"""Runs a command with a seccomp filter that kills it if it changes its priority, as Debian's systemd units do
(SystemCallFilter=~@resources). Usage: filtered.py COMMAND ARGUMENTS..."""

import ctypes
import os
import platform
import struct
import sys

# setpriority, sched_setparam, sched_setscheduler, sched_setattr
FORBIDDEN = {"x86_64": (141, 142, 144, 314), "aarch64": (140, 118, 119, 274)}[platform.machine()]
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_NUMBER, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
KILL_PROCESS, ALLOW = 0x80000000, 0x7FFF0000


class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def instructions():
    """Each is an opcode, the jumps for true and for false, and a value."""
    yield LOAD_NUMBER, 0, 0, 0
    for position, number in enumerate(FORBIDDEN):
        yield JUMP_IF_EQUAL, len(FORBIDDEN) - position, 0, number
    yield RETURN, 0, 0, ALLOW
    yield RETURN, 0, 0, KILL_PROCESS


code = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions())
program = Filter(len(code) // 8, code)
prctl = ctypes.CDLL(None, use_errno=True).prctl
prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
if prctl(PR_SET_NO_NEW_PRIVS, 1, None, 0, 0) or prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0):
    sys.exit(f"filtered.py: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[1], sys.argv[1:])
