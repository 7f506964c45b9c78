"""The servers: nginx with a throw-away certificate authority, and relays that delay its connections."""

import collections
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.request

# The options of each server block. `default` has nginx's default limits: 128 concurrent streams, and a connection is
# closed after 1,000 requests.
BLOCKS = {
    "default": ("ssl http2", ""),
    "raised": ("ssl http2", "http2_max_concurrent_streams 1024; keepalive_requests 10000000;"),
    "http1": ("ssl", ""),
    "lossy": ("ssl http2", "if ($lost) {{ return 503; }}"),
    "redirecting": ("ssl http2", "return 307 {target}$request_uri;"),
    "plain": ("", ""),
}

CONFIG = """\
daemon off;
pid {work}/nginx.pid;
error_log {work}/error.log warn;
worker_processes 2;
{user}
events {{ worker_connections 4096; }}
http {{
    types {{ application/json json; text/plain txt; }}
    default_type application/octet-stream;
    log_format bench '$request_method $status';
    access_log {work}/access.log bench buffer=64k flush=20ms;
    client_body_temp_path {work}/nginx-temp; proxy_temp_path {work}/nginx-temp;
    fastcgi_temp_path {work}/nginx-temp; uwsgi_temp_path {work}/nginx-temp; scgi_temp_path {work}/nginx-temp;
    ssl_certificate {work}/server.pem;
    ssl_certificate_key {work}/server.key;
    ssl_protocols TLSv1.3;
    sendfile on;
    tcp_nopush on;
    root {root};
    split_clients $request_id $lost {{ 2% 1; * 0; }}
    server {{ listen 127.0.0.1:{status_port}; location / {{ stub_status; access_log off; }} }}
{blocks}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_authority(work):
    """Makes a certificate authority for this run, and a certificate for 127.0.0.1."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", f"{work}/ca.key", "-out", f"{work}/ca.pem", "-days", "2",
            "-subj", "/CN=art-mirror-validate bench", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", *key, "-keyout", f"{work}/server.key", "-out", f"{work}/server.csr", "-subj", "/CN=127.0.0.1")
    extensions = "subjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n"
    pathlib.Path(work, "server.ext").write_text(extensions)
    openssl("x509", "-req", "-in", f"{work}/server.csr", "-CA", f"{work}/ca.pem", "-CAkey", f"{work}/ca.key",
            "-CAcreateserial", "-out", f"{work}/server.pem", "-days", "2", "-extfile", f"{work}/server.ext")


class Servers:
    """nginx and its relays, which run until the end of a `with`."""

    def __init__(self, work, root, relay, round_trip_ms):
        self.work, self.root = work, root
        self.ports = {name: free_port() for name in BLOCKS}
        self.status_port = free_port()
        self.log_offset = 0
        make_authority(work)
        far = [name for name in BLOCKS if name != "plain"]
        upstreams = [f"127.0.0.1:{self.ports[name]}" for name in far]
        self.relay = subprocess.Popen([relay, str(round_trip_ms), *upstreams], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        self.far = {name: f"https://{self.relay.stdout.readline().strip()}" for name in far}
        self.near = {name: f"https://127.0.0.1:{port}" for name, port in self.ports.items() if name != "plain"}
        self.near["plain"] = f"http://127.0.0.1:{self.ports['plain']}"
        blocks = [
            f"    server {{ listen 127.0.0.1:{self.ports[name]} {how} backlog=2048; "
            f"{more.format(target=self.far['default'])} }}"
            for name, (how, more) in BLOCKS.items()
        ]
        user = f"user root {group_of_root()};" if os.geteuid() == 0 else ""
        config = CONFIG.format(work=work, root=root, status_port=self.status_port, user=user,
                               blocks="\n".join(blocks))
        pathlib.Path(work, "nginx.conf").write_text(config)
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        self.nginx = subprocess.Popen([nginx, "-c", f"{work}/nginx.conf", "-e", f"{work}/error.log"])
        for _ in range(200):
            if self.nginx.poll() is not None:
                raise SystemExit(f"nginx did not start; see {work}/error.log")
            try:
                self.accepted()
                return
            except OSError:
                time.sleep(0.02)
        raise SystemExit("nginx does not answer")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.nginx.terminate()
        self.nginx.wait()
        self.relay.stdin.close()
        self.relay.wait()

    def accepted(self):
        """The number of connections that nginx has accepted, including the one that asks."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status_port}/", timeout=2) as answer:
            return int(answer.read().decode().splitlines()[2].split()[0])

    def drain_log(self):
        """The number of responses with each status since the last call."""
        time.sleep(0.06)
        statuses = collections.Counter()
        with open(f"{self.work}/access.log") as log:
            log.seek(self.log_offset)
            while line := log.readline():
                statuses[line.split()[1]] += 1
            self.log_offset = log.tell()
        return statuses


def group_of_root():
    import grp
    return grp.getgrgid(0).gr_name
