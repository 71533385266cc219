"""A command that runs up to a call, or to its end. See README.md."""

import contextlib
import os
import select

import machine
import scenario
from disk import Bad
from machine import APP, RUN

# How a run up to a call ends
STOPPED, ENDED = "stopped", "ended"


def yes(what):
    return "yes" if what else "no"


class Calls:
    """The stopper's orders and its report."""

    def __init__(self, who):
        self.who = who
        self.fd = os.open(f"{RUN}/calls.{who}", os.O_RDWR | os.O_NONBLOCK)
        self.rest = ""
        self.drain()

    def drain(self):
        """Lines that have come since."""
        try:
            while True:
                self.rest += os.read(self.fd, 65536).decode()
        except BlockingIOError:
            pass
        *lines, self.rest = self.rest.split("\n")
        return lines

    def wait(self, seconds):
        select.select([self.fd], [], [], seconds)

    def arm(self, **orders):
        words = " ".join(f"{key}={value}" for key, value in orders.items())
        machine.write(f"{RUN}/arm.{self.who}", words)

    def close(self):
        try:
            os.unlink(f"{RUN}/arm.{self.who}")
        except FileNotFoundError:
            pass
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


class Run:
    """One command, stopped or not."""

    def __init__(self, box, who, argv, **orders):
        self.box = box
        self.calls = Calls(who)
        self.call = ""  # the one that it was stopped before
        self.log = []
        if who == "cli":
            argv = ["/in/stop", "cli", *argv]
        self.calls.arm(**{"n": 0, "do": "stop", "root": machine.ROOT, **orders})
        self.process = scenario.start(argv)
        self.output = ""

    def take(self):
        for line in self.calls.drain():
            self.log.append(line)
            if line.startswith("stop "):
                self.call = line[5:].replace(APP, ".").replace("./", "")

    def go(self, to_the_end=False, then=None):
        """Up to the call, or to the end of the command, of what is done then, and of the worker."""
        end = scenario.now() + machine.PATIENCE
        while scenario.now() < end:
            self.calls.wait(0.01)
            over = self.process.poll() is not None
            if over and to_the_end and then:
                then()
                then = None
            ended = over and not self.box.worker_alive()
            self.take()
            if self.call and (ended or not to_the_end):
                return STOPPED
            if ended:
                return ENDED
        raise Bad(f"the command does not end; calls: {self.log[-3:]}")

    def end(self):
        """What it printed."""
        if self.process.poll() is None:
            self.process.kill()
        if not self.process.stdout.closed:
            self.output += self.process.communicate()[0]
        return self.output

    def said_accepted(self):
        return '"event":"accepted"' in self.end().replace(" ", "")

    def close(self):
        self.end()
        self.calls.close()


@contextlib.contextmanager
def said_of(running, what="stopped"):
    """What goes wrong in here is told with the call."""
    try:
        yield
    except Bad as bad:
        raise Bad(f"{bad}\n  {what} before call {running.call}") from None
