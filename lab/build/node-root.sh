#!/usr/bin/env bash
# Makes the template of the lab's nodes: a root file system for LXC, as docs/operate/templates.md describes a template.
# usage: node-root.sh OUT.tar      needs root, mmdebstrap, and a Debian mirror as apt on this machine has it
# Debian 12: the systemd of later releases does not start on a kernel with cgroup version 1, which this has to run on, too.
set -euo pipefail

out=${1:?out}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 0755 "$work"

packages=(systemd systemd-sysv dbus containerd runc iptables nftables conntrack ebtables ethtool socat iproute2 iputils-ping kmod mount procps
  openssh-server sudo ca-certificates curl cloud-init netbase ifupdown openssl less)
include=$(
  IFS=,
  echo "${packages[*]}"
)
printf 'making the root file system of nodes\n' >&2
mmdebstrap --quiet --variant=minbase "--include=$include" --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='APT::Install-Recommends "false"' bookworm "$work/root" >&2
root=$work/root

# --- what every template has (docs/operate/templates.md) ---
mkdir -p "$root/opt/bin"
chroot "$root" useradd --create-home --shell /bin/bash cloud
printf 'cloud ALL=(ALL) NOPASSWD:ALL\n' >"$root/etc/sudoers.d/cloud"
chmod 0440 "$root/etc/sudoers.d/cloud"
# Secure paths of sudo leave /opt/bin out.
printf 'Defaults secure_path="/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"\n' >"$root/etc/sudoers.d/path"
: >"$root/etc/machine-id"
rm -f "$root"/etc/ssh/ssh_host_* "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*_*
printf 'datasource_list: [NoCloud, None]\nlocale: false\n' >"$root/etc/cloud/cloud.cfg.d/90-cks.cfg"

# ifupdown leaves name servers to a program that Debian does not install with it.
cat >"$root/etc/network/if-up.d/cks-resolv" <<'END'
#!/bin/sh
[ -z "${IF_DNS_NAMESERVERS:-}" ] || for server in $IF_DNS_NAMESERVERS; do echo "nameserver $server"; done >/etc/resolv.conf
END
chmod 0755 "$root/etc/network/if-up.d/cks-resolv"
rm -f "$root/etc/resolv.conf"

# --- what only nodes in containers without a kernel of their own have ---
install -m 0755 "$here/../node/cks-init" "$root/sbin/cks-init"
mkdir -p "$root/etc/cks/kubeadm.d" "$root/mnt/k8sdisk" "$root/var/lib/cloud/seed/nocloud" "$root/etc/containerd"
install -m 0644 "$here/../node/containerd.toml" "$root/etc/containerd/config.toml"
: >"$root/etc/cks/keep-containerd"
install -m 0644 "$here"/../node/kubeadm.d/*.yaml "$root/etc/cks/kubeadm.d/"
# Units that would change the machine's kernel, or wait for devices that a container has not; and what costs a node's first minute.
for unit in systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-udev-trigger.service systemd-modules-load.service \
  sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount dev-hugepages.mount dev-mqueue.mount \
  systemd-sysctl.service getty@tty1.service console-getty.service systemd-logind.service apt-daily.timer apt-daily-upgrade.timer \
  systemd-journald-audit.socket e2scrub_all.timer fstrim.timer; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

tar -C "$root" --numeric-owner --xattrs --xattrs-include='*' --one-file-system -cf "$work/root.tar" .
mv "$work/root.tar" "$out"
printf '%s: %d MiB\n' "$out" "$(($(stat -c %s "$out") / 1048576))" >&2
