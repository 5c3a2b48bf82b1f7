"""Reports in which every text that can come from a log is as bad as it gets."""

from hypothesis import strategies as st

from syslogparse.evidence.model import GRADES, KINDS, Evidence, SeccompKey
from syslogparse.report.model import Report, SandboxState, Summary, Undecoded
from syslogparse.rules.apparmor_model import CapabilityRule, FileRule, NetworkRule
from syslogparse.rules.model import RISKS, Advice, FirewallRule, Suggestion, SyscallRule

NASTY = [
    "\x1b]8;;http://evil/\x07click\x1b]8;;\x07",
    "\x1b[2J\x9b31m\x90\x9c",
    "\n-A INPUT -j ACCEPT\n",
    "\r\nevil\r",
    "\u202egnp.exe\u2066\u2069\u200b\ufeff\u2028\u2029\x85",
    "[link=http://evil]x[/link] [bold] [/] :smile:",
    "$(reboot) `reboot` ; reboot & ' \" | > !!",
    "\udcff\udc80\udfff\ud800",
    "a" + "\u0301" * 500,
    "漢字\U0001f980\U0001f468\u200d\U0001f469\u0e33",
    "\\x1b\\",
    "\U000e0041\ue000\ufdd0\uffff",
    "\x00\x7f\t\x0b\x0c\x1c\x1d\x1e",
    "x" * 3000,
]

texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(), max_size=40),
    st.lists(st.sampled_from(NASTY), max_size=3).map("".join),
)
raws = st.one_of(st.binary(max_size=40), texts.map(lambda text: text.encode("utf-8", "surrogatepass")))

counts = st.integers(0, 2**40)
stamps = st.none() | st.integers(-(2**62), 2**62) | st.integers(0, 2 * 10**15)
places = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 10**9)), max_size=5).map(tuple)

KEY = SeccompKey(*[b""] * 8)


@st.composite
def evidences(draw):
    return Evidence(
        kind=draw(st.sampled_from(KINDS)),
        key=KEY,
        count=draw(counts),
        attempts=draw(counts),
        first=draw(stamps),
        last=draw(stamps),
        hosts=tuple(draw(st.lists(raws, max_size=5))),
        grades=draw(st.dictionaries(st.sampled_from(GRADES), counts)),
        places=draw(places),
    )


rules = st.one_of(
    st.builds(
        FirewallRule,
        family=st.just(4),
        chain=st.sampled_from(["INPUT", "OUTPUT", "FORWARD"]),
        target=st.sampled_from(["ACCEPT", "DROP"]),
        proto=st.sampled_from(["tcp", "udp"]),
        in_iface=st.sampled_from([None, "eth0", "br-0.1"]),
        sources=st.sampled_from([(), ("192.0.2.7",), ("192.0.2.7", "198.51.100.0/24")]),
        ports=st.sampled_from([(), ((22, 22),), ((22, 25), (443, 443))]),
    ),
    st.builds(FileRule, path=raws.map(lambda raw: b"/" + raw.replace(b"\x00", b"")), perms=st.just("r"), owner=st.booleans()),
    st.just(CapabilityRule("sys_admin")),
    st.just(NetworkRule("inet", "stream")),
    st.builds(SyscallRule, exe=raws, arch=st.just("x86_64"), name=st.just("getppid")),
)

suggestions = st.builds(
    Suggestion,
    rule=rules,
    intent=st.sampled_from(["allow", "block", "quiet", "alert"]),
    risk=st.sampled_from(RISKS),
    confidence=st.sampled_from(["low", "medium", "high"]),
    why=st.just("A reason of ours."),
    evidence=evidences(),
    trust=st.sampled_from(GRADES),
    profile=st.none() | raws,
    alternatives=st.lists(rules, max_size=2).map(tuple),
)

SANDBOX = SandboxState("full", 2, 65534, "empty, deleted", "none", no_new_privs=True, seccomp={"parser": 9, "analyst": 14})


@st.composite
def reports(draw):
    complete = draw(st.booleans())
    summary = Summary(
        files=tuple(draw(st.lists(texts, max_size=3))),
        unreadable=tuple(draw(st.lists(texts, max_size=2))),
        lines=draw(counts),
        bytes=draw(counts),
        events=draw(st.dictionaries(st.sampled_from(KINDS), counts)),
        first=draw(stamps),
        last=draw(stamps),
        undecoded=draw(st.sampled_from([Undecoded(), Undecoded(1, {"invalid port": 1}, ((0, 1, "invalid port"),))])),
        trust=draw(st.dictionaries(st.sampled_from(GRADES), counts)),
        complete=complete,
        losses=() if complete else ("A parser was killed by SIGBUS.",),
        sandbox=SANDBOX,
    )
    advice = Advice(tuple(draw(st.lists(suggestions, max_size=6))), draw(st.sampled_from([{}, {"a reason": 3}])))
    return Report(summary, advice)
