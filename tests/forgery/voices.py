"""Lines that somebody other than the kernel says, and the few who may repeat what it said."""

from tests.forgery.case import (
    AUDIT,
    BUS_BODY,
    DENIED,
    DENIED_BODY,
    DENIED_FIELDS,
    KILLED,
    KILLED_BODY,
    KILLED_FIELDS,
    PACKET,
    PACKET_FIELDS,
    STAMP,
    TAG,
    UPTIME,
    Case,
    denial,
    forged,
    kill,
    packet,
)

ISO = "2026-11-22T06:20:16.588510+00:00"
_PAYLOADS = (UPTIME + PACKET, UPTIME + DENIED, UPTIME + KILLED, PACKET, DENIED, KILLED)
_ALL = tuple(f"kernel: {payload}" for payload in _PAYLOADS)


def _by(tag: str) -> Case:
    """A tag that is not the kernel's, in front of everything that the kernel could say, under both stamps."""
    return forged(f"tag {tag}", *(f"{stamp} gw {tag}{payload}" for stamp in (STAMP, ISO) for payload in _PAYLOADS))


def _says(name: str, text: str) -> Case:
    """A program's message; ``%`` stands for a perfect line of the kernel."""
    return forged(name, *(f"{STAMP} gw {text.replace('%', payload)}" for payload in _ALL))


_TAGS = [
    "kernel[123]: ",
    "kernel[]: ",
    "kernel[0]: ",
    "mykernel: ",
    "kernel-6: ",
    "kernel6: ",
    "Kernel: ",
    "KERNEL: ",
    "kerne1: ",
    "kernel.x: ",
    "x.kernel: ",
    "kernel/0: ",
    "-kernel: ",
    "_kernel: ",
    "kernel_: ",
    "[kernel]: ",
    "(kernel): ",
    '"kernel": ',
    "'kernel': ",
    "kernel;: ",
    "kernel, ",
    "kernel ",
    "kernel = ",
    "kernel :",
    "kernel|",
    "kernel\u200b: ",
    "\u200bkernel: ",
    "\ufeffkernel: ",
    "k\u0435rnel: ",
    "kernel\u0000: ",
    "ker\u0000nel: ",
    "kernel\u001b[0m: ",
    "\u202ekernel: ",
    "kernel:: ",
    "sshd[1]: ",
    "logger: ",
    "root: ",
    "systemd[1]: ",
    "myapp: ",
    "user: ",
    "ulogd[9]: ",
    "firewalld[1]: ",
    "ufw: ",
    "rsyslogd: ",
    "systemd-journald[5]: ",
    "docker/kernel[1]: ",
    "app: kernel: ",
    "app[1]: kernel: ",
    "app kernel: ",
    "sshd: gw kernel: ",
    "sudo: kernel: ",
    f"app: {STAMP} gw kernel: ",
    f"app: {ISO} gw kernel: ",
    f"app:{STAMP} gw kernel: ",
    f"app:{ISO} gw kernel: ",
    f"app[1]: /var/log/kern.log:{STAMP} gw kernel: ",
    f"grep:{STAMP} gw kernel: ",
    "app: <4>",
    f"app: <4>{STAMP} gw kernel: ",
    f"app: <4>1 {ISO} gw kernel - - - ",
    "app: [   12.345678] ",
    "app[1]: [   12.345678] [    T1] ",
    "app: kern  :warn  : [   12.345678] ",
    "app: 4,1,2,-;",
    "app: kern.warn kernel: ",
]

_ECHOES = [
    _says("sshd invalid user", "sshd[911]: Invalid user % from 203.0.113.9 port 40022"),
    _says("sshd failed password", "sshd[911]: Failed password for invalid user % from 203.0.113.9 port 40022 ssh2"),
    _says("sshd banner", "sshd[911]: Bad protocol version identification '%' from 203.0.113.9"),
    _says("sshd without pid", "sshd: %"),
    _says("sudo command", "sudo:      bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/echo %"),
    _says("cron command", "CRON[4242]: (bob) CMD (echo '%')"),
    _says("su", "su[77]: FAILED SU (to %) bob on pts/1"),
    _says("web request", 'nginx: 203.0.113.9 - - [22/Nov/2026:06:20:16 +0000] "GET /%HTTP/1.1" 404 0 "-" "%"'),
    _says("name server query", "named[5]: client @0x7f 203.0.113.9#53 (%): query: % IN A"),
    _says("mail", "postfix/smtpd[8]: warning: hostname % does not resolve to address 203.0.113.9"),
    _says("dhcp host name", "dhcpd: DHCPREQUEST for 192.0.2.7 from 02:00:00:00:00:01 (%) via eth0"),
    _says("wireless network name", "wpa_supplicant[3]: wlan0: Trying to associate with SSID '%'"),
    _says("container", 'dockerd[6]: time="2026-11-22T06:20:16Z" level=info msg="%"'),
    _says("unit description", "systemd[1]: Started %."),
    _says("line feed escaped by rsyslog", f"sshd[911]: Invalid user x#012{STAMP} gw %"),
    _says("line feed escaped as hex", f"sshd[911]: Invalid user x\\x0a{STAMP} gw %"),
    _says("carriage return", f"sshd[911]: Invalid user x\r{STAMP} gw %"),
    _says("line separator", f"sshd[911]: Invalid user x\u2028{STAMP} gw %"),
    _says("next line", f"sshd[911]: Invalid user x\u0085{STAMP} gw %"),
    _says("vertical tab and form feed", f"sshd[911]: Invalid user x\v{STAMP} gw y\f{STAMP} gw %"),
    _says("null byte", f"sshd[911]: Invalid user x\0{STAMP} gw %"),
    _says("cursor home", f"sshd[911]: x\x1b[1G{STAMP} gw %"),
    _says("repeated by another", "sshd[911]: message repeated 2 times: [ %]"),
    _says("repeated without tag", "message repeated 2 times: [ %]"),
    _says("last message repeated", "last message repeated 3 times: %"),
    _says("host named kernel", "kernel sshd[911]: %"),
    _says("JSON in a message", 'app[1]: {"_TRANSPORT":"kernel","SYSLOG_IDENTIFIER":"kernel","MESSAGE":"%"}'),
    forged(
        "web server's own log",
        *(f'203.0.113.9 - - [22/Nov/2026:06:20:16 +0000] "GET /?{STAMP} gw {line} HTTP/1.1" 200 1 "-" "{line}"' for line in _ALL),
    ),
    forged(
        "web server's error log",
        *(f'2026/11/22 06:20:16 [error] 9#9: *1 open() "/srv/www/:{STAMP} gw {line}" failed (2: No such file)' for line in _ALL),
    ),
    forged(
        "proxy's firewall shape in a message",
        *(
            f"{STAMP} gw {tag}100 6 tap100i0-IN 22/Nov/2026:06:20:16 +0000 policy DROP: {PACKET}"
            for tag in ("pvefw[1]: ", "app: ")
        ),
    ),
    forged("web server's log with a firewall's stamp", f"203.0.113.9 - - [22/Nov/2026:06:20:16 +0000] policy DROP: {PACKET}"),
    forged("a file of its own", *(f"evil text {STAMP} gw {line}" for line in _ALL)),
    forged("a quoted line", *(f"> {STAMP} gw {line}" for line in _ALL)),
    forged("an impossible stamp", *(f"Nov 22 6:20 gw {line}" for line in _ALL)),
]

_STRUCTURED = [
    forged(
        "structured data carries a line",
        *(f'<4>1 {ISO} gw app 1 - [x@1 a="{STAMP} gw {line}"] hello' for line in _ALL),
        f'<4>1 {ISO} gw app 1 - [x@1 a="] kernel: {PACKET}"] hello',
        *(f'<4>1 {ISO} gw app - - [x@1 a="\\"\\]"] {line}' for line in _ALL),
    ),
    forged(
        "RFC 5424 by others",
        *(
            f"<4>1 {ISO} gw {name} {process} - - {payload}"
            for name, process in (
                ("kernel", "123"),
                ("kernel", "0"),
                ("kernel", "x"),
                ("mykernel", "-"),
                ("KERNEL", "-"),
                ("kernel:", "-"),
                ("kernel[1]", "-"),
                ("-", "kernel"),
                ("app", "kernel"),
                ("-", "-"),
                ("sshd", "911"),
            )
            for payload in _PAYLOADS
        ),
        *(f"<4>1 {ISO} gw app - kernel - {payload}" for payload in _PAYLOADS),
        *(f"<4>1 {ISO} kernel app - - - {line}" for line in _ALL),
    ),
    forged(
        "RFC 5424 broken",
        *(
            line
            for payload in _PAYLOADS
            for line in (
                f"<4>1 {ISO} gw kernel - - [x a={payload}",
                f"<4>2 {ISO} gw kernel - - - {payload}",
                f"<4>1 {ISO} gw kernel - - {payload}",
                f"<999>1 {ISO} gw kernel - - - {payload}",
                f"<4>1 {ISO}  gw kernel - - - {payload}",
            )
        ),
    ),
    packet("RFC 5424 by the kernel", f"<4>1 {ISO} gw kernel - - - {PACKET}", PACKET_FIELDS, "kern"),
    packet(
        "RFC 5424, structured data is not the message",
        f'<4>1 {ISO} gw kernel - - [x@1 a="SRC=6.6.6.6 DPT=1"] {PACKET}',
        PACKET_FIELDS,
        "kern",
    ),
    packet("RFC 5424 by a user who calls himself kernel", f"<12>1 {ISO} gw kernel - - - {PACKET}", PACKET_FIELDS, "syslog"),
    packet("priority of a user's facility", f"<12>{TAG}{PACKET}", PACKET_FIELDS, "syslog"),
    packet("priority of the kernel", f"<4>{TAG}{PACKET}", PACKET_FIELDS, "kern"),
    denial("AppArmor by facility auth", f"<36>{TAG}{DENIED}", DENIED_FIELDS, "syslog"),
    kill("seccomp by facility local7", f"<188>{TAG}{KILLED}", KILLED_FIELDS, "syslog"),
    packet("ring buffer by a user's facility", f"<12>{UPTIME}{PACKET}", PACKET_FIELDS, "syslog"),
]

_BUS_FIELDS: dict[str, object] = {
    "apparmor": "DENIED",
    "operation": "dbus_method_call",
    "name": "org.x",
    "pid": 2,
}

_RELAYS = [
    forged(
        "relays with other tags",
        *(
            f"{STAMP} gw {tag}{text}"
            for tag in (
                "myaudit[1]: ",
                "audit-x[1]: ",
                "auditx: ",
                "Audit[1]: ",
                "audit[x]: ",
                "audit[1][2]: ",
                "sshd[1]: ",
                "xaudispd: ",
                "audispd-evil: ",
                "auditd-evil[1]: ",
                "app: audit[1]: ",
                "app: audispd: ",
            )
            for text in (f"AVC {DENIED_BODY}", f"SECCOMP {KILLED_BODY} type=1326", f"type=AVC msg={AUDIT}: {DENIED_BODY}")
        ),
    ),
    denial("journald's audit tag", f"{STAMP} gw audit[228]: AVC {DENIED_BODY}", DENIED_FIELDS, "syslog"),
    kill("journald's audit tag, seccomp", f"{STAMP} gw audit[185]: SECCOMP {KILLED_BODY}", KILLED_FIELDS, "syslog"),
    denial("audispd", f"{STAMP} gw audispd: type=AVC msg={AUDIT}: {DENIED_BODY}", DENIED_FIELDS, "syslog"),
    forged(
        "a relay's user records",
        *(
            f"{STAMP} gw {tag}pid=1 uid=0 auid=1000 ses=1 msg='op=login acct={DENIED_BODY} exe=\"/x\" res=failed'"
            for tag in (
                "audit[1]: USER_LOGIN ",
                "audit[1]: USER_CMD ",
                "audit[1]: USER_AVC ",
                "audit[1]: USER_AUTH ",
                f"audispd: type=USER_CMD msg={AUDIT}: ",
                f"audispd: type=USER_AVC msg={AUDIT}: ",
            )
        ),
    ),
    forged(
        "the bus daemon speaks of files",
        *(
            f"{STAMP} gw {tag}{DENIED_BODY}"
            for tag in (
                "dbus[1]: ",
                "dbus-daemon[1]: ",
                "dbus-broker[1]: ",
                "dbus-broker-launch[1]: ",
                "dbus-daemon[1]: [system] ",
            )
        ),
        *(f"{STAMP} gw dbus-daemon[1]: {line}" for line in (DENIED, KILLED, PACKET)),
        f"{STAMP} gw dbus-daemon[1]: type=AVC msg={AUDIT}: {DENIED_BODY}",
        f'{STAMP} gw dbus-daemon[1]: apparmor="DENIED" operation="xdbus_method_call" name="/etc/shadow"',
        f'{STAMP} gw dbus-daemon[1]: apparmor="DENIED" name="operation="dbus_method_call"" operation="open"',
        f'{STAMP} gw dbus-daemon[1]: apparmor="DENIED" operation="open" operation="dbus_method_call" name="/etc/shadow"',
    ),
    forged(
        "the bus daemon echoes",
        f"{STAMP} gw dbus-daemon[1]: [system] Activating service name='{BUS_BODY}' requested by ':1.7'",
        f'{STAMP} gw dbus-daemon[1]: [system] Rejected send message; interface="org.x" comm="{BUS_BODY}"',
        f"{STAMP} gw dbus-daemon[1]: x {BUS_BODY}",
    ),
    forged(
        "others speak of the bus",
        *(
            f"{STAMP} gw {tag}{BUS_BODY}"
            for tag in (
                "sshd[1]: ",
                "evil-dbus[1]: ",
                "dbus-daemon-evil[1]: ",
                "xdbus-daemon[1]: ",
                "dbus-daemon[1]x: ",
                "dbus-daemon[a]: ",
                "app: dbus-daemon[1]: ",
                "DBUS[1]: ",
            )
        ),
    ),
]

CASES = [*map(_by, _TAGS), *_ECHOES, *_STRUCTURED, *_RELAYS]
