"""Run shell blocks on a copy of this machine that nothing of is kept: `unshare … rehearse.py FOLDER WHEELS`.

FOLDER has `blocks/`, files that are run in the order of their names, and `root/`, what root finds at home. Next to each
block, its output and its status are written. The first failure ends the rehearsal.
"""

import os
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
HOST, MAIL_HOST = "tickets.example.com", "mail.example.com"
SECONDS = 900
# Where a new machine has nothing yet: files of these are removed from the copy.
NEW = "/opt/ticketing* /etc/ticketing /etc/letsencrypt /var/lib/ticketing /var/backups/ticketing* /etc/nginx/conf.d/*"


def run(command: str) -> None:
    subprocess.run(["bash", "-euc", command], check=True)


def prepare(folder: Path) -> None:
    """Mount a copy of this machine, and make its `/` ours."""
    copy = folder / "copy"
    run(
        f"""
        mount --make-rprivate /
        mkdir -p {folder}/upper {folder}/work {copy}
        mount -t overlay overlay -o lowerdir=/,upperdir={folder}/upper,workdir={folder}/work {copy}
        mount -t proc proc {copy}/proc
        mount --rbind /dev {copy}/dev
        mount --rbind /sys {copy}/sys || true
        for path in tmp run var/lib/postgresql etc/postgresql; do mount -t tmpfs tmpfs {copy}/$path; done
        chmod 1777 {copy}/tmp
        # The checkout may be in a folder that is empty now. Nothing may change it.
        mkdir -p {copy}{ROOT} && mount -o bind,ro {ROOT} {copy}{ROOT}
        mkdir -p {copy}/rehearsal && mount --bind {folder} {copy}/rehearsal
        ip link set lo up
        """
    )
    os.chroot(copy)
    os.chdir("/")
    run(
        f"""
        rm -rf {NEW} /root/ticketing*
        cp -R /rehearsal/root/. /root
        mkdir -p /run/postgresql && chown postgres: /run/postgresql
        chown postgres: /var/lib/postgresql
        printf '127.0.0.1 localhost {HOST} {MAIL_HOST}\\n::1 localhost\\n' > /etc/hosts
        {HERE}/certificate.sh {MAIL_HOST} /rehearsal/mail
        """
    )


def serve_mail() -> None:
    """Accept mail as a provider does: by STARTTLS, with an account."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain("/rehearsal/mail/fullchain.pem", "/rehearsal/mail/privkey.pem")
    listener = socket.create_server(("127.0.0.1", 587))

    def converse(connection: socket.socket) -> None:
        file = connection.makefile("rwb", buffering=0)
        file.write(b"220 ready\r\n")
        while line := file.readline():
            verb = line.split()[0].upper()
            if verb == b"EHLO":
                file.write(b"250-mail\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
            elif verb == b"STARTTLS":
                file.write(b"220 go ahead\r\n")
                connection = context.wrap_socket(connection, server_side=True)
                file = connection.makefile("rwb", buffering=0)
            elif verb == b"AUTH":
                file.write(b"235 welcome\r\n")
            elif verb == b"DATA":
                file.write(b"354 go ahead\r\n")
                while file.readline() not in (b".\r\n", b""):
                    pass
                file.write(b"250 accepted\r\n")
            else:
                file.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 fine\r\n")

    def accept() -> None:
        while True:
            threading.Thread(target=converse, args=[listener.accept()[0]], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def main() -> None:
    folder, wheels = Path(sys.argv[1]), sys.argv[2]
    prepare(folder)
    serve_mail()
    environment = {
        "PATH": f"{HERE}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "USER": "root",
        "LANG": "C.UTF-8",
        # There is no network.
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": wheels,
    }
    for block in sorted(Path("/rehearsal/blocks").glob("*.sh")):
        with block.with_suffix(".out").open("wb") as output:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", str(block)],
                cwd="/root",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=SECONDS,
                check=False,
            )
        block.with_suffix(".status").write_text(str(done.returncode))
        if done.returncode:
            break


def run_as_first_process() -> None:
    """Run `main` in a child, and wait for all processes that nobody else waits for, as a first process does."""
    child = os.fork()
    if child == 0:
        main()
        return
    while True:
        ended, status = os.wait()
        if ended == child:
            sys.exit(os.waitstatus_to_exitcode(status))


run_as_first_process()
