/** Where the outer container has the folder that it shares with the host: the socket, and the sign that somebody uses it. */
export const exchangeTarget = '/run/engine';
export const socketName = 'docker.sock';
/** Followed by the number of a process of the company. */
export const heldPrefix = 'held-';

/**
 * The whole of what the outer container runs; `$1` is the group that may use the socket. Control groups: a container is shown its own
 * read-only, and an engine has to make groups below. With version 2 no process may stay where groups are handed on (moby hack/dind).
 * When no process has touched its `held-` file for two minutes the company is gone, whatever ended it, and so is the engine.
 */
export const outerScript = `set -eu
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mount -o remount,rw /sys/fs/cgroup
  mkdir -p /sys/fs/cgroup/engine
  for process in $(cat /sys/fs/cgroup/cgroup.procs); do echo "$process" > /sys/fs/cgroup/engine/cgroup.procs || :; done
  sed -e 's/ / +/g' -e 's/^/+/' < /sys/fs/cgroup/cgroup.controllers > /sys/fs/cgroup/cgroup.subtree_control
else
  awk '$3 == "cgroup" { print $2 }' /proc/mounts | while read -r target; do
    umount "$target"
    case $target in
      */systemd) mount -t cgroup -o none,name=systemd cgroup "$target" ;;
      *) mount -t cgroup -o "\${target##*/}" cgroup "$target" ;;
    esac
  done
fi
rm -f ${exchangeTarget}/${socketName}
dockerd --host=unix://${exchangeTarget}/${socketName} --group="$1" --data-root=/var/lib/docker --exec-root=/run/docker \\
  --pidfile=/run/docker.pid --bridge=none --iptables=false --ip6tables=false --log-level=warn &
engine=$!
trap 'kill -TERM "$engine"' TERM
while kill -0 "$engine" 2> /dev/null; do
  sleep 5 & wait $! || :
  [ -n "$(find ${exchangeTarget} -name '${heldPrefix}*' -mmin -2)" ] || kill -TERM "$engine" || :
done
wait "$engine"`;
