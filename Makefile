# Every target is repeatable and expects root (install with DESTDIR excepted). setup.sh installs what they need and runs them.
#
#   demo       the main job on sample-logs/, fully confined       install    the command and all that belongs to it
#   test       every test, lint, type and import check            uninstall  takes away what install put there, and reports
#   bench      measurements beside other programs                 deb        a Debian package, in DEV/deb
#   fuzz       property tests with more examples, fuzz targets    lock       remakes requirements/*.txt from pyproject.toml
#   lint types clean
#
# PREFIX and DESTDIR are honoured; SYSCONFDIR is where the AppArmor profile goes. COMPLAIN=1 installs the profile in complain mode: what
# it would refuse is done and logged. PYTHON is absolute, so that no other one on PATH is taken.
# DEV holds what is built and what is tested: root runs it, so it stands where only root can write. Two checkouts at the same time
# need a DEV each: the second waits for the first while that is testing.

SHELL := /bin/sh
.SHELLFLAGS := -euc
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= /usr/bin/python3
PREFIX ?= /usr
SYSCONFDIR ?= /etc
DESTDIR ?=
COMPLAIN ?=
DEV ?= /opt/syslogparse-build
TESTS ?=
FUZZ_EXAMPLES ?= 5000

ifneq ($(filter-out /%,$(PYTHON) $(PREFIX) $(DEV)),)
$(error PYTHON, PREFIX and DEV must be absolute: $(PYTHON) $(PREFIX) $(DEV))
endif

# What stands in DEV is named after, or stamped with, the content that it was made from: times say nothing between two checkouts.
key = $(shell { $(PYTHON) -VV; cat $(1); } 2>&1 | sha256sum | cut -c 1-16)
BUILD_KEY := $(call key,requirements/build.txt)
WHEELS_KEY := $(call key,requirements/build.txt requirements/runtime.txt)
TEST_KEY := $(call key,requirements/build.txt requirements/runtime.txt requirements/test.txt)
SOURCES := $(sort $(shell find syslogparse -name '*.py')) pyproject.toml Makefile
SOURCE_KEY := $(call key,$(SOURCES))

BUILD_ENV := $(DEV)/build-$(BUILD_KEY)
WHEELS := $(DEV)/wheels-$(WHEELS_KEY)
TEST_ENV := $(DEV)/test-venv
TEST_PYTHON := $(TEST_ENV)/bin/python
COMMAND := $(DEV)/bin/syslogparse
SAMPLES = $(filter-out %/README %.md,$(wildcard sample-logs/*))

# Nothing is fetched that the lock files do not name with its hash. python-prctl is the one that comes as source.
PIP := $(BUILD_ENV)/bin/python -I -m pip --disable-pip-version-check --no-input --no-cache-dir --quiet
LOCKED := --require-hashes --no-deps --no-build-isolation --only-binary :all:
PINS = $$(sed -n 's/^\([A-Za-z0-9._-]*==[^ ]*\).*/\1/p' requirements/runtime.txt)

# Recipes that write to DEV run alone, whichever checkout they come from; those that use it share it. The lock is descriptor 9 of
# the recipe's shell, which what is tested does not inherit.
ALONE = umask 022; mkdir -p '$(DEV)'; [ -O '$(DEV)' ] || { echo 'make: $(DEV) belongs to somebody else' >&2; exit 1; }; \
	exec 9>>'$(DEV)/lock'; flock -n 9 || { echo '== waiting for another run that uses $(DEV)'; flock 9; }
SHARED = exec 9>>'$(DEV)/lock'; flock -s 9; [ "$$(cat '$(DEV)/package.key')" = '$(WHEELS_KEY) $(SOURCE_KEY)' ] || \
	{ echo 'make: another checkout has just installed into $(DEV); again, or with a DEV of its own' >&2; exit 1; }

.PHONY: help demo test test-vm bench fuzz install uninstall deb lint types lock clean root dev

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

root:
	@[ "$$(id -u)" = 0 ] || { echo 'make: this target needs root' >&2; exit 1; }

# ---- what is built, once per content of the lock files

$(BUILD_ENV)/complete:
	@$(ALONE)
	[ ! -e '$@' ] || exit 0
	echo '== build tools, as locked'
	rm -rf '$(BUILD_ENV)'
	'$(PYTHON)' -m venv '$(BUILD_ENV)'
	$(PIP) install $(LOCKED) -r requirements/build.txt
	touch '$@'

$(WHEELS)/complete: | $(BUILD_ENV)/complete
	@$(ALONE)
	[ ! -e '$@' ] || exit 0
	echo '== libraries, as locked (python-prctl is compiled)'
	rm -rf '$(WHEELS)'
	$(PIP) wheel $(LOCKED) --no-binary python-prctl --wheel-dir '$(WHEELS)' -r requirements/runtime.txt
	touch '$@'

$(TEST_ENV)/complete-$(TEST_KEY): | $(WHEELS)/complete
	@$(ALONE)
	[ ! -e '$@' ] || exit 0
	echo '== test tools, as locked'
	rm -rf '$(TEST_ENV)'
	'$(PYTHON)' -m venv --without-pip '$(TEST_ENV)'
	$(PIP) --python '$(TEST_PYTHON)' install --no-index --find-links '$(WHEELS)' --no-deps $(PINS)
	$(PIP) --python '$(TEST_PYTHON)' install $(LOCKED) -r requirements/test.txt
	touch '$@'

# ---- the installed tree: lib/syslogparse is a private environment, bin/syslogparse starts it. $(1) stands before $(2), the prefix.

# Bytecode is made here, because the launcher runs with -B. It names the final path, and is not compared with its source again.
compile = '$(PYTHON)' -I -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$(1)" -p / $(2)

# The libraries. What would name the place of the build, or start the program in another way than the launcher does, is taken out.
define put_libraries
'$(PYTHON)' -m venv --without-pip "$(1)$(2)/lib/syslogparse"
$(PIP) --python "$(1)$(2)/lib/syslogparse/bin/python" install --no-index --find-links '$(WHEELS)' --no-deps --no-compile $(PINS)
find "$(1)$(2)/lib/syslogparse/bin" ! -type d ! -name 'python*' -delete
sed -i '/^\(\.\.\/\)*bin\//d' "$(1)$(2)/lib/syslogparse"/lib/python3.*/site-packages/*.dist-info/RECORD
sed -i '/^command = /d' "$(1)$(2)/lib/syslogparse/pyvenv.cfg"
$(call compile,$(1),"$(1)$(2)/lib/syslogparse/lib")
endef

# The package itself: its wheel holds Python only, so unpacking it is installing it.
define put_package
$(BUILD_ENV)/bin/python -I -m flit_core.wheel --outdir "$$scratch/dist" > "$$scratch/log" 2>&1 || { cat "$$scratch/log" >&2; exit 1; }
site=$$(echo "$(1)$(2)/lib/syslogparse"/lib/python3.*/site-packages)
rm -rf "$$site"/syslogparse "$$site"/syslogparse-*.dist-info
'$(PYTHON)' -I -m zipfile -e "$$scratch"/dist/*.whl "$$site"
$(call compile,$(1),"$$site/syslogparse")
mkdir -p "$(1)$(2)/bin"
printf '%s\n' '#!$(2)/lib/syslogparse/bin/python -IB' 'from syslogparse.__main__ import main; raise SystemExit(main())' > "$(1)$(2)/bin/syslogparse"
chmod 755 "$(1)$(2)/bin/syslogparse"
chmod -R u+rwX,go+rX,go-w "$(1)$(2)/lib/syslogparse"
[ "$$(id -u)" != 0 ] || chown -R 0:0 "$(1)$(2)/lib/syslogparse" "$(1)$(2)/bin/syslogparse"
endef

# What goes with the command, below the prefix. Where zsh looks is Debian's own matter.
SERVICE := lib/systemd/system/syslogparse.service
ZSH_PLACE := share/zsh/$(if $(and $(filter /usr,$(PREFIX)),$(wildcard /etc/debian_version)),vendor-completions,site-functions)
COMPLETIONS := bash:share/bash-completion/completions/syslogparse zsh:$(ZSH_PLACE)/_syslogparse \
	fish:share/fish/vendor_completions.d/syslogparse.fish
COMPANIONS := share/man/man8/syslogparse.8.gz $(SERVICE) $(SERVICE:.service=.timer) lib/tmpfiles.d/syslogparse.conf \
	$(foreach one,$(COMPLETIONS),$(lastword $(subst :, ,$(one))))

# The staged command's own interpreter and libraries say what the options are.
define put_companions
put() { mkdir -p "$$(dirname "$(1)$(2)/$$1")"; cat > "$(1)$(2)/$$1"; chmod 644 "$(1)$(2)/$$1"; }
gzip -9n < man/syslogparse.8 > "$$scratch/page"
put share/man/man8/syslogparse.8.gz < "$$scratch/page"
sed 's|^ExecStart=/usr/|ExecStart=$(2)/|; s|^ExecPaths=/usr$$|ExecPaths=$(sort /usr $(2))|' systemd/syslogparse.service > "$$scratch/unit"
put $(SERVICE) < "$$scratch/unit"
put $(SERVICE:.service=.timer) < systemd/syslogparse.timer
put lib/tmpfiles.d/syslogparse.conf < systemd/syslogparse.conf
for shell in $(COMPLETIONS); do
"$(1)$(2)/lib/syslogparse/bin/python" -IB completion/generate.py '$(BUILD_ENV)'/lib/python3.*/site-packages "$${shell%%:*}" \
	> "$$scratch/completion"
put "$${shell#*:}" < "$$scratch/completion"
done
endef

SCRATCH = scratch=$$(mktemp -d '$(DEV)/scratch.XXXXXX'); trap 'rm -rf "$$scratch"' EXIT; trap 'exit 130' INT TERM

# The installed command for demo and test: all of it when a library changed, the package alone when its source did.
dev: root $(WHEELS)/complete
	@now='$(WHEELS_KEY) $(SOURCE_KEY)'
	[ "$$(cat '$(DEV)/package.key' 2>/dev/null)" != "$$now" ] || exit 0
	$(ALONE)
	$(SCRATCH)
	echo '== syslogparse into $(DEV)'
	was=$$(cat '$(DEV)/package.key' 2>/dev/null || :)
	rm -f '$(DEV)/package.key'
	if [ "$${was% *}" != '$(WHEELS_KEY)' ]; then
	rm -rf '$(DEV)/lib'
	$(call put_libraries,,$(DEV))
	fi
	$(call put_package,,$(DEV))
	echo "$$now" > '$(DEV)/package.key'

# All is made aside and then moved, so that a failed install leaves the old command as it was. Where there was no DEV before, none stays.
install: HAD_DEV := $(wildcard $(DEV))
install:
	@[ -n '$(DESTDIR)' ] || $(MAKE) root
	$(MAKE) -s '$(WHEELS)/complete'
	umask 022
	$(SCRATCH)
	stage=$$scratch/root
	$(call put_libraries,$$stage,$(PREFIX))
	$(call put_package,$$stage,$(PREFIX))
	$(call put_companions,$$stage,$(PREFIX))
	if grep -rlF "$$stage" "$$stage$(PREFIX)"; then echo 'make: these name the place of the build' >&2; exit 1; fi
	lib='$(DESTDIR)$(PREFIX)/lib'; bin='$(DESTDIR)$(PREFIX)/bin'
	mkdir -p "$$lib" "$$bin"
	rm -rf "$$lib/.syslogparse.new" "$$lib/.syslogparse.old"
	cp -a "$$stage$(PREFIX)/lib/syslogparse" "$$lib/.syslogparse.new"
	cp -a "$$stage$(PREFIX)/bin/syslogparse" "$$bin/.syslogparse.new"
	[ ! -e "$$lib/syslogparse" ] || mv -T "$$lib/syslogparse" "$$lib/.syslogparse.old"
	mv -T "$$lib/.syslogparse.new" "$$lib/syslogparse"
	mv -T "$$bin/.syslogparse.new" "$$bin/syslogparse"
	rm -rf "$$lib/.syslogparse.old"
	for companion in $(COMPANIONS); do
	mkdir -p "$$(dirname '$(DESTDIR)$(PREFIX)'"/$$companion")"
	cp -a "$$stage$(PREFIX)/$$companion" '$(DESTDIR)$(PREFIX)'"/$$companion.new"
	mv -T '$(DESTDIR)$(PREFIX)'"/$$companion.new" '$(DESTDIR)$(PREFIX)'"/$$companion"
	done
	$(put_profile)
	if $(LIVE_SYSTEMD); then
	systemctl daemon-reload
	systemd-tmpfiles --create syslogparse.conf
	fi
	[ -n '$(HAD_DEV)' ] || rm -rf '$(DEV)'
	echo 'installed: $(DESTDIR)$(PREFIX)/bin/syslogparse'

# The profile names the paths of PREFIX=/usr. It is loaded where it is installed for this machine and the kernel has AppArmor. The link
# in force-complain is what apparmor_parser looks at, here and at every start of the machine.
PROFILE := $(notdir $(wildcard apparmor/usr.bin.syslogparse))
APPARMOR_D := $(SYSCONFDIR)/apparmor.d
INSTALLED_PROFILE := $(DESTDIR)$(APPARMOR_D)/usr.bin.syslogparse
COMPLAIN_LINK := $(DESTDIR)$(APPARMOR_D)/force-complain/usr.bin.syslogparse
LIVE_APPARMOR := [ -z '$(DESTDIR)' ] && [ "$$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]
LIVE_SYSTEMD := [ -z '$(DESTDIR)' ] && [ -d /run/systemd/system ]

define put_profile
if [ -n '$(PROFILE)' ] && [ '$(PREFIX)' = /usr ]; then
mkdir -p '$(DESTDIR)$(APPARMOR_D)'
cp apparmor/usr.bin.syslogparse '$(INSTALLED_PROFILE)'
chmod 644 '$(INSTALLED_PROFILE)'
rm -f '$(COMPLAIN_LINK)'
if [ '$(COMPLAIN)' = 1 ]; then
mkdir -p "$$(dirname '$(COMPLAIN_LINK)')"
ln -s ../usr.bin.syslogparse '$(COMPLAIN_LINK)'
fi
if $(LIVE_APPARMOR); then apparmor_parser -r '$(INSTALLED_PROFILE)'; fi
echo 'installed: $(INSTALLED_PROFILE)'
fi
endef

# Upwards from $$made, as far as directories are empty and no package has them.
remove_empty = while [ "$$made" != / ] && { [ -n '$(DESTDIR)' ] || ! dpkg-query --search "$$made" > /dev/null 2>&1; } && \
	rmdir '$(DESTDIR)'"$$made" 2>/dev/null; do made=$$(dirname "$$made"); done

# DEV is no part of the installation: `make clean` takes it away. A site's own $(APPARMOR_D)/local/usr.bin.syslogparse stays.
uninstall:
	@[ -n '$(DESTDIR)' ] || $(MAKE) root
	if $(LIVE_SYSTEMD) && [ -e '$(PREFIX)/$(SERVICE)' ]; then
	systemctl --quiet disable --now syslogparse.timer
	systemctl --quiet stop syslogparse.service || :
	fi
	if [ '$(PREFIX)' = /usr ] && [ -e '$(INSTALLED_PROFILE)' ]; then
	if $(LIVE_APPARMOR); then apparmor_parser -R '$(INSTALLED_PROFILE)' || :; fi
	rm -f '$(INSTALLED_PROFILE)' '$(COMPLAIN_LINK)'
	fi
	rm -f '$(DESTDIR)$(PREFIX)/bin/syslogparse' '$(DESTDIR)$(PREFIX)/bin/.syslogparse.new'
	rm -rf '$(DESTDIR)$(PREFIX)/lib/syslogparse' '$(DESTDIR)$(PREFIX)/lib/.syslogparse.new' '$(DESTDIR)$(PREFIX)/lib/.syslogparse.old'
	rm -rf '$(DESTDIR)/var/lib/syslogparse' '$(DESTDIR)/var/log/syslogparse' '$(DESTDIR)/var/lib/systemd/timers/stamp-syslogparse.timer'
	for companion in $(COMPANIONS); do rm -f '$(DESTDIR)$(PREFIX)'"/$$companion" '$(DESTDIR)$(PREFIX)'"/$$companion.new"; done
	for made in '$(APPARMOR_D)/force-complain' '$(APPARMOR_D)' /var/lib /var/log $(addprefix $(PREFIX)/,$(dir $(COMPANIONS)) lib bin); do
	$(remove_empty)
	done
	if $(LIVE_SYSTEMD); then systemctl daemon-reload; fi
	echo 'uninstalled from $(DESTDIR)$(PREFIX)'

# ---- the Debian package. It is built from a copy, because dpkg-buildpackage writes into the tree and beside it.

VERSION = $$(sed -n 's/^__version__ = "\(.*\)"$$/\1/p' syslogparse/__init__.py)
PACKAGED := Makefile README.md apparmor completion debian docs man pyproject.toml requirements syslogparse systemd

deb: root $(WHEELS)/complete
	@umask 022
	$(SCRATCH)
	tree=$$scratch/syslogparse-$(VERSION)
	mkdir "$$tree"
	cp -R --preserve=mode,timestamps $(PACKAGED) "$$tree"
	find "$$tree" -name __pycache__ -prune -exec rm -rf {} +
	cd "$$tree"
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL DEV='$(DEV)' PYTHON='$(PYTHON)' dpkg-buildpackage --build=binary --no-sign --ignore-builtin-builddeps \
		> "$$scratch/log" 2>&1 || { cat "$$scratch/log" >&2; exit 1; }
	if command -v lintian > /dev/null; then lintian --allow-root --tag-display-limit 0 --fail-on error "$$scratch"/*.deb; fi
	mkdir -p '$(DEV)/deb'
	mv "$$scratch"/syslogparse_*.deb '$(DEV)/deb'
	ls -l '$(DEV)'/deb/syslogparse_"$(VERSION)"*.deb

# ---- what is run

demo: dev
	@$(SHARED)
	say() { printf '\n$$ %s\n' "$$*"; "$$@" 9>&-; }
	echo 'What the sample logs complain about, and what would settle it:'
	say '$(COMMAND)' --format text $(SAMPLES)
	printf '\nHow the program confined itself before it read them:\n'
	say '$(COMMAND)' --explain-sandbox
	printf '\nThe rules alone, as they would be pasted (the first 40 lines):\n'
	rules=$$(mktemp); trap 'rm -f "$$rules"' EXIT
	say '$(COMMAND)' --format rules $(SAMPLES) > "$$rules"
	head -n 42 "$$rules"

# Nothing is written into the checkout, which may belong to somebody else.
IN_TESTS := PYTHON='$(PYTHON)' PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_STORAGE_DIRECTORY='$(DEV)/hypothesis' RUFF_CACHE_DIR='$(DEV)/cache/ruff' \
	MYPY_CACHE_DIR='$(DEV)/cache/mypy' SYSLOGPARSE_COMMAND='$(COMMAND)'
PYTEST := env $(IN_TESTS) '$(TEST_PYTHON)' -m pytest

# tests/test_layout.py runs ruff, mypy and import-linter. Where logs are wanted and absent, a user's clone leaves their group out and says so.
export SYSLOGPARSE_CORPORA ?= $(realpath ../shared/corpora)
ifeq ($(CI),true)
export SYSLOGPARSE_MUST_WORK := 1
endif
SELECT := $(if $(SYSLOGPARSE_MUST_WORK)$(SYSLOGPARSE_CORPORA),,-m 'not corpora')

# Two halves at the same time, for the two CPUs of a small machine: tests that start processes and wait for them, and those that compute.
OF_PROCESSES := tests/e2e tests/roles tests/sandbox tests/kernel tests/test_install.py tests/test_completion.py tests/test_debian.py

test: dev $(TEST_ENV)/complete-$(TEST_KEY)
	@$(SHARED)
	[ -z "$(SELECT)" ] || echo '== left out: the group "corpora" (no folder of real logs; SYSLOGPARSE_CORPORA names one)'
	if [ -n '$(TESTS)' ]; then
	$(PYTEST) $(SELECT) $(TESTS) 9>&- || exit
	exit 0
	fi
	$(SCRATCH)
	$(PYTEST) $(SELECT) $(addprefix --ignore=,$(OF_PROCESSES)) tests > "$$scratch/pure" 2>&1 9>&- & pure=$$!
	trap 'kill "$$pure"; exit 130' INT TERM
	failed=0
	$(PYTEST) $(SELECT) $(OF_PROCESSES) 9>&- || failed=$$?
	echo '== all other tests, which ran at the same time'
	wait "$$pure" || failed=$$?
	cat "$$scratch/pure"
	exit "$$failed"

# Debian's own kernels with AppArmor in force, under qemu; what is installed for them lies over this machine's files, read only.
test-vm: dev $(TEST_ENV)/complete-$(TEST_KEY)
	@rm -rf '$(DEV)/vm/layer'
	$(MAKE) -s install PREFIX=/usr SYSCONFDIR=/etc DESTDIR='$(DEV)/vm/layer'
	$(SHARED)
	env $(IN_TESTS) '$(TEST_PYTHON)' -m tests.vm.rig --cache '$(DEV)/vm' --layer '$(DEV)/vm/layer' -- $(or $(TESTS),tests/vm) 9>&- || exit

fuzz: FUZZ_SECONDS ?= 60
fuzz: dev $(TEST_ENV)/complete-$(TEST_KEY)
	@$(SHARED)
	SYSLOGPARSE_FUZZ_EXAMPLES='$(FUZZ_EXAMPLES)' $(PYTEST) -m hypothesis --hypothesis-profile=fuzz $(TESTS) 9>&- || exit
	env $(IN_TESTS) '$(TEST_PYTHON)' -m tests.fuzz.run '$(FUZZ_SECONDS)' 9>&- || exit

bench: dev $(TEST_ENV)/complete-$(TEST_KEY)
	@$(SHARED)
	env $(IN_TESTS) '$(TEST_PYTHON)' -m bench 9>&- || exit

lint: root $(TEST_ENV)/complete-$(TEST_KEY)
	@env $(IN_TESTS) '$(TEST_PYTHON)' -m ruff check .
	'$(TEST_ENV)/bin/lint-imports' --no-cache --no-logo

types: root $(TEST_ENV)/complete-$(TEST_KEY)
	@env $(IN_TESTS) '$(TEST_PYTHON)' -m mypy

# ---- upkeep

# For every Linux and every supported Python at once. uv, which makes the files, is itself locked in one of them.
UV := UV_CUSTOM_COMPILE_COMMAND='make lock' '$(DEV)/lock-venv/bin/uv' pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes
lock: $(BUILD_ENV)/complete
	@$(ALONE)
	'$(PYTHON)' -m venv --clear --without-pip '$(DEV)/lock-venv'
	$(PIP) --python '$(DEV)/lock-venv/bin/python' install $(LOCKED) -r requirements/lock.txt
	$(UV) -o requirements/runtime.txt pyproject.toml
	$(UV) -o requirements/test.txt --extra test -c requirements/runtime.txt pyproject.toml
	$(UV) -o requirements/build.txt --group build
	$(UV) -o requirements/lock.txt --group lock
	chown --reference=pyproject.toml requirements/*.txt

clean:
	@rm -rf '$(DEV)'
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
