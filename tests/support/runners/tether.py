"""tether.py SCRATCH PROGRAM ARGUMENT...: run a server for as long as somebody holds the other end of our standard input.

The test that started us holds a pipe and writes nothing. When it closes the pipe, or dies in whatever way, reading ends and the
server's process group is ended: politely, and after two seconds by force. The server's own end ends us too, with its status.
The server's working, home and temporary folder is SCRATCH, which starts empty and is gone when we are."""
import os, shutil, signal, subprocess, sys, threading

scratch = sys.argv[1]
shutil.rmtree(scratch, ignore_errors=True)
os.makedirs(scratch)
places = {"HOME": scratch, "TMPDIR": scratch}
server = subprocess.Popen(sys.argv[2:], cwd=scratch, env={**os.environ, **places}, stdin=subprocess.DEVNULL, start_new_session=True)


def end(number):
    try:
        os.killpg(server.pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def watch():
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    end(signal.SIGTERM)
    try:
        server.wait(2)
    except subprocess.TimeoutExpired:
        end(signal.SIGKILL)


threading.Thread(target=watch, daemon=True).start()
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda *_: end(signal.SIGTERM))
status = server.wait()
end(signal.SIGKILL)  # what the server left behind in its group
shutil.rmtree(scratch, ignore_errors=True)
sys.exit(status if status >= 0 else 128 - status)
