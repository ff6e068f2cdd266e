#!/bin/bash
# A real `systemd --user` for one test, as root: in a cgroup, a cgroup namespace and a mount namespace of its own, so
# that nothing outside is seen or moved. Prints "ready PID RUNTIME_DIR" when it is up, where PID is a process in those
# namespaces (nsenter -t PID -m -C). Lives until its standard input ends; then everything in it is gone.
#   usage: user-manager.sh HOME
set -eu
home=$1
if [ -z "${BULKHEAD_TEST_INNER:-}" ]; then
  unified=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  group=$unified/bulkhead-test-$$
  mkdir "$group"
  code=0
  ( echo "$BASHPID" > "$group/cgroup.procs"; BULKHEAD_TEST_INNER=1 exec unshare --mount --cgroup bash "$0" "$home" ) || code=$?
  echo 1 > "$group/cgroup.kill" 2> /dev/null || true
  for _ in $(seq 100); do
    find "$group" -depth -type d -exec rmdir {} \; 2> /dev/null || true
    [ -d "$group" ] || break
    sleep 0.05
  done
  exit "$code"
fi
mount --make-rprivate /
mkdir -p /run/user /run/systemd
mount -t tmpfs tmpfs /run/user
mount -t tmpfs tmpfs /run/systemd
mkdir /run/systemd/system # what says "started with systemd"
umount --recursive /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup # shows only this subtree
runtime=/run/user/$(id -u)
mkdir -m 700 "$runtime"
mkdir -p "$home/.config/systemd/user"
manager=$(ls /lib/systemd/systemd /usr/lib/systemd/systemd 2> /dev/null | head -n 1)
env -i PATH="$PATH" LANG="${LANG:-C.UTF-8}" HOME="$home" XDG_RUNTIME_DIR="$runtime" XDG_CONFIG_HOME="$home/.config" \
  XDG_DATA_HOME="$home/.local/share" "$manager" --user --log-target=console > "$home/user-manager.log" 2>&1 &
pid=$!
for _ in $(seq 300); do
  [ -S "$runtime/systemd/private" ] && break
  kill -0 "$pid" 2> /dev/null || { cat "$home/user-manager.log" >&2; exit 1; }
  sleep 0.05
done
echo "ready $$ $runtime"
cat > /dev/null || true
XDG_RUNTIME_DIR=$runtime systemctl --user exit > /dev/null 2>&1 || kill "$pid" 2> /dev/null || true
wait "$pid" || true
