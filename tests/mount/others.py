"""Another user of this computer than the one who mounts."""
import errno
import json
import os

from harness import Skip

USER = 61001


def as_user(function, *arguments, before=lambda: None):
    """What function(*arguments) gives to another user, in a process that before() was called in before it became that."""
    if os.getuid() != 0:
        raise Skip("only root can be somebody else")
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        before()
        os.setgroups([])
        os.setgid(USER)
        os.setuid(USER)
        try:
            result = function(*arguments)
        except OSError as error:
            result = errno.errorcode[error.errno]
        except BaseException as error:  # pylint: disable=broad-except
            result = repr(error)
        os.write(writer, json.dumps(result).encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as file:
        text = file.read()
    os.waitpid(pid, 0)
    return json.loads(text)
