#!/usr/bin/env bash
# What `cargo xtask packaging` runs inside of a bare Debian: installs the package, runs what is in it as an ordinary
# person, upgrades it under the running app, removes it, and looks at what is left.
# usage: bare-debian.sh FIRST.deb NEXT.deb     (as root, in the new root)
set -euo pipefail
first=$1 next=$2
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
step() { printf '\n▸ %s\n' "$*"; }
fail() { printf '\nFAILED: %s\n' "$*" >&2; exit 1; }
# An ordinary person's session: nothing of root's environment.
as_ada() { runuser -u ada -- env -i HOME=/home/ada USER=ada LOGNAME=ada PATH=/usr/bin:/bin LC_ALL=C.UTF-8 \
    XDG_RUNTIME_DIR=/run/user/1000 NO_AT_BRIDGE=1 ${DISPLAY:+DISPLAY=$DISPLAY} \
    ${DBUS_SESSION_BUS_ADDRESS:+DBUS_SESSION_BUS_ADDRESS=$DBUS_SESSION_BUS_ADDRESS} "$@"; }
# Waits for a command to work: seconds, then the command.
until_it() { local left=$(( $1 * 5 )); shift; until "$@" >/dev/null 2>&1; do (( left-- > 0 )) || return 1; sleep 0.2; done; }
# The state of a profile's gateway and its process id, as its supervisor tells them.
pid_of() { as_ada bulkhead --profile "$1" gateway status --json | grep -o '"pid": *[0-9]*' | head -1 | grep -o '[0-9]*$'; }
healthy() { as_ada bulkhead --profile "$1" health --json >/dev/null; }
program_of() { readlink "/proc/$(pid_of "$1")/exe"; }

step "nothing of ours is here yet"
! command -v bulkhead || fail "bulkhead is there before it was installed"
useradd --create-home --uid 1000 ada
install -d -m 700 -o ada -g ada /run/user/1000

step "apt installs the package with what it needs"
apt-get install -y --no-install-recommends "$first"
dpkg -s bulkhead | grep -E '^(Version|Depends|Recommends):'
for program in bulkhead bulkhead-app; do
    ! ldd "/usr/bin/$program" | grep 'not found' || fail "$program lacks libraries"
done
for file in applications/Bulkhead.desktop metainfo/ai.bulkhead.app.metainfo.xml doc/bulkhead/copyright \
    doc/bulkhead/licences.txt.gz man/man1/bulkhead.1.gz bash-completion/completions/bulkhead \
    icons/hicolor/32x32/apps/bulkhead-app.png icons/hicolor/scalable/apps/bulkhead-app.svg; do
    # A minimal Debian leaves manual pages and most of doc out while it unpacks.
    [ -e "/usr/share/$file" ] || dpkg -L bulkhead | grep -q "/usr/share/$file" || fail "$file is not in the package"
done

step "the command line works"
as_ada bulkhead --version
# shellcheck disable=SC2016
printf '%s' '{"version":1,"action":"create","plan":{"secrets":"file","model":null,"profiles":[
  {"name":"main","owner":"desktop","telegram":null},{"name":"rescue","owner":"desktop","telegram":null}]}}' \
    | as_ada bulkhead onboard --plan - --json | tail -1 | cut -c1-300

step "a gateway runs in the foreground and is healthy"
as_ada bulkhead gateway run >/tmp/gateway.log 2>&1 &
until_it 30 healthy main || { tail -20 /tmp/gateway.log; fail "the gateway is not healthy"; }
as_ada bulkhead status
kill -TERM "$(pid_of main)"
wait $! || true

step "what only the test needs: a screen, a bus, and ps"
apt-get install -y --no-install-recommends xvfb xauth dbus x11-utils openbox procps >/tmp/apt.log 2>&1 || { tail /tmp/apt.log; fail "apt"; }
Xvfb :7 -screen 0 1280x800x24 -nolisten tcp >/dev/null 2>&1 &
export DISPLAY=:7
until_it 20 xdpyinfo || fail "no screen"
DBUS_SESSION_BUS_ADDRESS=$(runuser -u ada -- dbus-daemon --session --fork --print-address)
export DBUS_SESSION_BUS_ADDRESS
as_ada openbox >/dev/null 2>&1 &

step "the app shows its window and runs both gateways"
as_ada bulkhead-app --verbose >/tmp/app.log 2>&1 &
until_it 60 sh -c 'xwininfo -root -tree | grep -q "\"Bulkhead\""' || { tail -40 /tmp/app.log; xwininfo -root -tree; fail "no window"; }
xwininfo -root -tree | grep '"Bulkhead"'
xprop -name Bulkhead WM_CLASS
until_it 60 healthy main || { tail -40 /tmp/app.log; fail "main does not run under the app"; }
until_it 60 healthy rescue || { tail -40 /tmp/app.log; fail "rescue does not run under the app"; }
until_it 60 sh -c 'ls /home/ada/.local/share/ai.bulkhead.app/programs/*/bulkhead' || fail "no copy of the program is kept"
main=$(pid_of main) rescue=$(pid_of rescue)

step "the next version under the running app: main drains and takes it up, rescue stays"
apt-get install -y --no-install-recommends "$next" 2>&1 | tail -3
dpkg -s bulkhead | grep '^Version:'
moved() { local now; now=$(pid_of main) && [ -n "$now" ] && [ "$now" != "$main" ] && healthy main; }
until_it 60 moved || { tail -40 /tmp/app.log; fail "main did not take the new program up"; }
[ "$(program_of main)" = /usr/bin/bulkhead ] || fail "main runs $(program_of main)"
[ "$(pid_of rescue)" = "$rescue" ] || fail "rescue was touched"
! as_ada bulkhead gateway status --json | grep -q '"lastExit": *{' || fail "main did not end as asked"
echo "main: $main → $(pid_of main) on $(program_of main); rescue: $rescue on $(program_of rescue)"
grep -h "stopp\|drain\|ended" /home/ada/.bulkhead/logs/* 2>/dev/null | tail -3 || true

step "rescue crashes: it comes back on the previous program"
kill -KILL "$rescue"
back() { local now; now=$(pid_of rescue) && [ -n "$now" ] && [ "$now" != "$rescue" ] && healthy rescue; }
until_it 60 back || { tail -40 /tmp/app.log; fail "rescue did not come back"; }
case "$(program_of rescue)" in
    /home/ada/.local/share/ai.bulkhead.app/programs/*) echo "rescue: $(program_of rescue)" ;;
    *) fail "rescue runs $(program_of rescue)" ;;
esac
as_ada cat /home/ada/.local/share/ai.bulkhead.app/update.json

step "the app ends, and both gateways with it"
kill -TERM "$(pgrep -x bulkhead-app)"
gone() { ! pgrep -x bulkhead-app && ! pgrep -x bulkhead; }
until_it 30 gone || { ps aux | grep bulkhead; fail "something still runs"; }

step "bulkhead uninstall leaves nothing but user data"
as_ada sh -c 'mkdir -p ~/.config/autostart && printf "[Desktop Entry]\nType=Application\nName=Bulkhead\nExec=bulkhead-app --hidden\n" > ~/.config/autostart/Bulkhead.desktop'
as_ada bulkhead uninstall --yes
left=$(find /home/ada -mindepth 1 \( -iname '*bulkhead*' -o -path '*bulkhead*' \) ! -path '/home/ada/.bulkhead*' | sort)
[ -z "$left" ] || fail "left behind: $left"
[ -f /home/ada/.bulkhead/bulkhead.json ] || fail "the person's configuration is gone"
find /home/ada -maxdepth 1 -name '.bulkhead*'

step "apt removes the package"
apt-get remove -y bulkhead 2>&1 | tail -2
for file in /usr/bin/bulkhead /usr/bin/bulkhead-app /usr/share/applications/Bulkhead.desktop; do
    [ ! -e "$file" ] || fail "$file is still there"
done
apt-get purge -y bulkhead >/dev/null 2>&1 || true
left=$(find / -xdev \( -path /proc -o -path /home -o -path /packages -o -path /sys -o -path /tmp -o -path /run \) -prune -o -iname '*bulkhead*' -print)
[ -z "$left" ] || fail "left behind by the package: $left"
[ -f /home/ada/.bulkhead/bulkhead.json ] || fail "the package took a person's data along"
step "all done"
