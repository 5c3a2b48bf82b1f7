"""A Debian kernel with AppArmor in force, booted under qemu's software emulation, with pytest running in it.

    python -m tests.vm.rig --cache DIR --layer DIR [--series 6.1 ...] [--keep] -- PYTEST-ARGUMENTS

The guest sees the host's root directory, read only, under an overlay whose writes are lost; LAYER (an installed tree) lies over
it. Nothing is installed on the host. The kernel and its modules come from Debian's packages and are kept in the cache. The
kernel is started as the ELF file inside its image, because an emulated processor takes long to unpack it.

Needs on the host: apt-get, dpkg-deb, depmod and modprobe (kmod), busybox (static), qemu-system-x86_64.
"""

from __future__ import annotations

import argparse
import lzma
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import zstandard

HERE = Path(__file__).resolve().parent
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_rng")
SHARES = ("host", "layer", "modules", "out")
TIMED_OUT, NO_RESULT = 124, 125
# Without these the emulated start takes several times as long: what the kernel would measure or test is told to it.
APPEND = (
    "console=ttyS0 quiet panic=-1 apparmor=1 security=apparmor audit=1 audit_backlog_limit=8192 mitigations=off nokaslr "
    "tsc=reliable no_timer_check random.trust_cpu=on cryptomgr.notests nowatchdog nosoftlockup tsc_early_khz=2000000 "
    "lpj=4000000 log_buf_len=8M"
)


class Kernel(NamedTuple):
    """A kernel that is ready to be started. version: as uname -r says it; modules: the root of its unpacked package."""

    version: str
    elf: Path
    initramfs: Path
    modules: Path


def newest(series: str) -> str | None:
    """The newest package of a series (``6.12``) that apt knows; None where it knows none."""
    names = _out("apt-cache", "pkgnames", f"linux-image-{series}.").split()
    wanted = re.compile(rf"linux-image-{re.escape(series)}\.[0-9]+(?:-[0-9]+|\+[a-z0-9]+)-amd64")
    return max((name for name in names if wanted.fullmatch(name)), key=_by_number, default=None)


def _by_number(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", name)]


def prepare(package: str, cache: Path) -> Kernel:
    """Fetch, unpack and make ready what is not in the cache yet. Raises CalledProcessError, ValueError."""
    place = cache / package
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        debs = cache / "debs"
        debs.mkdir(exist_ok=True)
        if not list(debs.glob(f"{package}_*.deb")):
            _run("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package, cwd=debs)
        _run("dpkg-deb", "-x", str(next(debs.glob(f"{package}_*.deb"))), str(place / "root"))
        (place / "elf").write_bytes(elf_of(next(place.glob("root/boot/vmlinuz-*")).read_bytes()))
        version = next(place.glob("root/lib/modules/*")).name
        _unpack_modules(place / "root/lib/modules" / version)
        _run("depmod", "-b", str(place / "root"), version)
        _make_initramfs(place, version)
        (place / "complete").touch()
    version = next(place.glob("root/lib/modules/*")).name
    return Kernel(version, place / "elf", place / "initramfs", place / "root")


def elf_of(image: bytes) -> bytes:
    """The kernel that is packed inside a bzImage. Raises ValueError."""
    unpackers: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
        (b"\xfd7zXZ\0", lambda data: lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data)),
        (b"\x1f\x8b\x08", lambda data: zlib.decompressobj(31).decompress(data)),
        (b"\x28\xb5\x2f\xfd", lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)),
    )
    for magic, unpack in unpackers:
        at = image.find(magic)
        while at >= 0:
            try:
                found = unpack(image[at:])
            except (lzma.LZMAError, zlib.error, zstandard.ZstdError):
                found = b""
            if found.startswith(b"\x7fELF"):
                return found
            at = image.find(magic, at + 1)
    raise ValueError("no kernel in this image")


def _unpack_modules(modules: Path) -> None:
    for packed in modules.rglob("*.ko.xz"):
        packed.with_suffix("").write_bytes(lzma.decompress(packed.read_bytes()))
        packed.unlink()


def _make_initramfs(place: Path, version: str) -> None:
    """busybox, the few modules that lead to the host's files, and an init. Not packed: unpacking is what takes time."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for folder in ("bin", "mods", "proc", "sys", "dev", "rw", "new", *SHARES):
            (root / folder).mkdir()
        shutil.copy(shutil.which("busybox") or "/bin/busybox", root / "bin/busybox")
        shutil.copy(HERE / "init", root / "init")
        (root / "init").chmod(0o755)
        shutil.copy(HERE / "guest", root / "main")
        order: list[str] = []
        for module in MODULES:
            for line in _out("modprobe", "-d", str(place / "root"), "-S", version, "--show-depends", module).splitlines():
                path = Path(line.split()[1]) if line.startswith("insmod ") else None
                if path is not None and path.name not in order:
                    shutil.copy(path, root / "mods" / path.name)
                    order.append(path.name)
        (root / "mods/order").write_text("\n".join(order) + "\n")
        names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
        with (place / "initramfs").open("wb") as made:
            subprocess.run(
                ["busybox", "cpio", "-o", "-H", "newc"], input=names.encode(), stdout=made, stderr=subprocess.DEVNULL,
                cwd=root, check=True,
            )  # fmt: skip


def boot(kernel: Kernel, layer: Path, out: Path, seconds: int) -> int:
    """Start the kernel and wait for its end. The status of ``out/main``, TIMED_OUT or NO_RESULT; the console goes to stdout."""
    shares = {"host": Path("/"), "layer": layer, "modules": kernel.modules, "out": out}
    command = ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "Nehalem", "-smp", "1", "-m", "2048"]
    command += ["-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio", "-monitor", "none", "-nic", "none"]
    command += ["-kernel", str(kernel.elf), "-initrd", str(kernel.initramfs), "-append", APPEND]
    for name in SHARES:
        only = "" if name == "out" else ",readonly=on"
        command += ["-fsdev", f"local,id={name},path={shares[name]},security_model=none,multidevs=remap{only}"]
        command += ["-device", f"virtio-9p-pci,fsdev={name},mount_tag={name}"]
    sys.stdout.flush()
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return TIMED_OUT
    status = out / "status"
    return int(status.read_text()) if status.exists() and status.read_text().strip() else NO_RESULT


def main(arguments: Sequence[str]) -> int:
    """Run pytest in a guest of each series that apt knows, one after the other. 0 when all were green."""
    asked = _parse(arguments)
    asked.cache.mkdir(parents=True, exist_ok=True)
    packages = [package for series in asked.series if (package := newest(series))]
    if not packages:
        sys.exit(f"vm: apt knows no kernel of the series {', '.join(asked.series)}: run apt-get update")
    worst = 0
    for package in packages:
        kernel = prepare(package, asked.cache)
        began = time.monotonic()
        _say(f"== {package}")
        with tempfile.TemporaryDirectory(dir=asked.cache) as out:
            _write_main(Path(out), asked.pytest)
            status = boot(kernel, asked.layer, Path(out), asked.seconds)
            log = asked.cache / f"{kernel.version}.kernel-log"
            if (Path(out) / "kernel-log").exists():
                shutil.copy(Path(out) / "kernel-log", log)
        _say(f"== {package}: {_words(status)} after {time.monotonic() - began:.0f} s; its log is in {log}")
        worst = max(worst, status)
    return worst


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _words(status: int) -> str:
    return {0: "green", TIMED_OUT: "out of time", NO_RESULT: "the guest ended without a result"}.get(status, f"status {status}")


def _write_main(out: Path, arguments: Sequence[str]) -> None:
    """The script that is run in the guest: pytest in the environment of the host's own test command."""
    kept = ("SYSLOGPARSE_MUST_WORK", "SYSLOGPARSE_CORPORA", "PYTHON")
    lines = [f"export {name}={shlex.quote(os.environ[name])}" for name in kept if name in os.environ]
    lines += ["export SYSLOGPARSE_VM=1 PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_STORAGE_DIRECTORY=/tmp/hypothesis"]
    lines += [f"cd {shlex.quote(str(HERE.parent.parent))}"]
    lines += [shlex.join([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments])]
    (out / "main").write_text("\n".join(lines) + "\n")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.vm.rig")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--layer", type=Path, required=True)
    parser.add_argument("--series", nargs="+", default=["6.1", "6.12"])
    parser.add_argument("--seconds", type=int, default=900)
    parser.add_argument("pytest", nargs="*")
    return parser.parse_args(arguments)


def _run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def _out(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
