#!/bin/sh
# sh setup.sh TARGET [VARIABLE=VALUE ...]: installs what a minimal Debian or Ubuntu lacks for that make target, then runs it. Needs root.
# Targets: demo, test, test-vm, install, uninstall, deb, bench, fuzz, lock, lint, types, clean.
# When nothing is missing, apt-get is not called.
set -eu

# To build: make and a compiler for python-prctl (libcap-dev has its header), Python with venv, libseccomp for the filter.
build='make gcc libc6-dev libcap-dev libseccomp2 python3 python3-dev python3-venv'

# To make a package of it, and to look at that.
package='debhelper dh-apparmor dpkg-dev'

# To test:
#   apparmor     apparmor_parser judges the shipped profile and the rules that are suggested
#   bash-completion, fish, zsh  complete the command line
#   iproute2     network namespaces in which real packets are logged
#   ipset        holds the sources of suggested rules that have several
#   iptables     judges the suggested rules
#   libcap2-bin  capsh starts the program with fewer capabilities
#   man-db       judges the manual page
#   nftables     judges the suggested rules
#   procps       ps shows the processes as a user would see them
#   python3-libapparmor  AppArmor's own reader of its records, to compare with
#   strace       counts the system calls that the filter allows
#   systemd      systemd-analyze judges the suggested lines of a unit, and the shipped units
#   ufw          judges the suggested rules
#   util-linux   setpriv and unshare start the program as others would
#   zstd         packs logs as logrotate may
test='apparmor bash-completion fish iproute2 ipset iptables libcap2-bin man-db nftables procps
    python3-libapparmor strace systemd ufw util-linux zsh zstd'

# To start a kernel with AppArmor in an emulated machine, and to make what it starts from.
vm='busybox-static kmod qemu-system-x86'

target=${1:?usage: sh setup.sh demo|test|test-vm|install|uninstall|deb|bench|fuzz|lock|lint|types|clean}
case $target in
    test) wanted="$build $test $package" ;;
    test-vm) wanted="$build $test $vm" ;;
    bench | fuzz) wanted="$build $test" ;;
    deb) wanted="$build $package" ;;
    *) wanted=$build ;;
esac

if [ "$(id -u)" != 0 ]; then
    echo "setup.sh: needs root: sudo sh setup.sh $target" >&2
    exit 1
fi

missing=
for package in $wanted; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || status=none
    [ "$status" = installed ] || missing="$missing $package"
done

if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null; then
        echo "setup.sh: no apt-get here. Install these by their names on this system, then run make $target:$missing" >&2
        exit 1
    fi
    echo "setup.sh: installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o Acquire::Retries=3 update
    # shellcheck disable=SC2086 # a list of names
    apt-get -qq -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 install --yes --no-install-recommends $missing >/dev/null
fi

python=${PYTHON:-/usr/bin/python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "setup.sh: $python is older than 3.11 or does not start; PYTHON=/path/to/python3 names another" >&2
    exit 1
fi

exec make --no-print-directory -C "$(dirname "$0")" "$@"
