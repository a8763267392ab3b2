"""A connection for setting up and checking measurements."""

import itertools
import socket


class Failure(Exception):
    """The measurement is impossible; the text says why."""


def encode(command):
    """A command as the protocol's array of bulk strings."""
    parts = [part.encode() for part in command]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class Client:
    """One RESP2 connection for setting up and checking measurements."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.replies = self.socket.makefile("rb")

    def __call__(self, *command):
        self.socket.sendall(encode(command))
        return self.reply()

    def pipeline(self, commands, at_a_time=1000):
        """Yields the replies to many commands in order. At most `at_a_time` commands are in flight."""
        commands = iter(commands)
        while block := list(itertools.islice(commands, at_a_time)):
            self.socket.sendall(b"".join(map(encode, block)))
            for _ in block:
                yield self.reply()

    def reply(self):
        line = self.replies.readline()
        if not line.endswith(b"\r\n"):
            raise Failure("the server closed the connection")
        kind, text = line[:1], line[1:].strip().decode()
        if kind in (b"+", b":"):
            return text
        if kind == b"$":
            return None if text == "-1" else self.bulk(int(text))
        if kind == b"*":
            return None if text == "-1" else [self.reply() for _ in range(int(text))]
        if kind == b"-":
            return self.refused(text)
        raise Failure(f"the server replied: {text}")

    def bulk(self, length):
        """A bulk string of this many bytes."""
        content = self.replies.read(length + 2)
        if len(content) < length + 2:
            raise Failure("the server closed the connection")
        return content[:-2].decode()

    def refused(self, text):
        """Converts an error reply."""
        raise Failure(f"the server replied: {text}")

    def info(self, *sections):
        """The `name:value` lines of INFO. Those of modules need the section `everything`."""
        return dict(line.split(":", 1) for line in self("INFO", *sections).splitlines() if ":" in line)

    def totals(self):
        """(processor seconds, error replies) of the server since its start."""
        info = self.info()
        return float(info["used_cpu_user"]) + float(info["used_cpu_sys"]), int(info["total_error_replies"])
