#!/usr/bin/env bash
# Makes a template that Kubernetes nodes can be made from, out of a cloud image of Debian or Ubuntu. What it puts into the image is
# what docs/operate/templates.md lists.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: build-template.sh --output FILE [options]

  --output FILE       the template: .qcow2, or .tar.gz for containers
  --base SOURCE       cloud image to start from: a URL or a file
                      default https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-ARCH.qcow2
  --checksum SHA512   of the base, when it is fetched; default: its line in SHA512SUMS beside it
  --arch ARCH         x86_64 (default) or aarch64
  --size GB           size of the disk, default 4; a node's disk grows to what its cluster asks for
  --containerd NAME   package: containerd.io from Docker's repository (default), or containerd from the distribution
  --package NAME      one more package; may be given several times
  --run FILE          a script that is run in the image at the end; may be given several times
  --dry-run           says what would be done, and does nothing

Needs virt-customize, virt-sparsify, virt-tar-out (package libguestfs-tools), qemu-img and curl.
TEXT
}

die() {
  printf 'build-template.sh: %s\n' "$1" >&2
  exit 1
}
say() { printf '%s\n' "$1" >&2; }

output='' base='' checksum='' arch=x86_64 size=4 containerd=containerd.io dry=no
packages=() scripts=()
while (($# > 0)); do
  case $1 in
    --help | -h)
      usage
      exit 0
      ;;
    --dry-run)
      dry=yes
      shift
      continue
      ;;
    --output | --base | --checksum | --arch | --size | --containerd | --package | --run)
      (($# > 1)) || die "$1 needs a value"
      case $1 in
        --output) output=$2 ;;
        --base) base=$2 ;;
        --checksum) checksum=$2 ;;
        --arch) arch=$2 ;;
        --size) size=$2 ;;
        --containerd) containerd=$2 ;;
        --package) packages+=("$2") ;;
        --run) scripts+=("$2") ;;
      esac
      shift 2
      ;;
    *) die "unknown option \"$1\": see --help" ;;
  esac
done
[[ -n $output ]] || die '--output is missing: see --help'
case $output in
  *.qcow2) format=qcow2 ;;
  *.tar.gz) format=tar ;;
  *) die "--output: expected a name that ends in .qcow2 or .tar.gz, found \"$output\"" ;;
esac
case $arch in
  x86_64) deb_arch=amd64 ;;
  aarch64) deb_arch=arm64 ;;
  *) die "--arch: expected x86_64 or aarch64, found \"$arch\"" ;;
esac
[[ $size =~ ^[1-9][0-9]{0,3}$ ]] || die "--size: expected whole GB, found \"$size\""
[[ $containerd == containerd.io || $containerd == containerd ]] || die "--containerd: expected containerd.io or containerd, found \"$containerd\""
for script in "${scripts[@]}"; do [[ -f $script ]] || die "--run: there is no file $script"; done
[[ -n $base ]] || base=https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-$deb_arch.qcow2

# What the user documentation of CloudStack lists, and what kubeadm and the pod network need beside it.
packages=(
  cloud-init cloud-guest-utils conntrack apt-transport-https ca-certificates curl gnupg gpg-agent lsb-release python3-json-pointer
  python3-jsonschema openssh-server sudo socat ethtool ebtables ipset iproute2 iptables kmod util-linux "${packages[@]}"
)

run() {
  if [[ $dry == yes ]]; then
    printf '%q ' "$@"
    printf '\n'
  else
    "$@"
  fi
}

if [[ $dry == no ]]; then
  for tool in virt-customize qemu-img $([[ $format == tar ]] && echo virt-tar-out || echo virt-sparsify) $([[ $base == http* ]] && echo curl); do
    command -v "$tool" >/dev/null || die "$tool is missing: install libguestfs-tools, qemu-utils and curl"
  done
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/cks-template-XXXXXX")
trap 'rm -rf "$work"' EXIT
image=$work/image.qcow2

# --- inside the image ------------------------------------------------------------------------------------------------

cat >"$work/prepare.sh" <<SCRIPT
#!/bin/bash
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends ${packages[*]}
# Not every release has it any more.
if [[ -n \$(apt-cache search --names-only '^software-properties-common\$') ]]; then apt-get install -y --no-install-recommends software-properties-common; fi
if [[ $containerd == containerd.io ]]; then
  . /etc/os-release
  install -d -m 0755 /etc/apt/keyrings
  curl -fsSL "https://download.docker.com/linux/\$ID/gpg" -o /etc/apt/keyrings/docker.asc
  echo "deb [arch=$deb_arch signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/\$ID \$VERSION_CODENAME stable" >/etc/apt/sources.list.d/docker.list
  apt-get update
fi
apt-get install -y --no-install-recommends $containerd
SCRIPT
cat >>"$work/prepare.sh" <<'SCRIPT'
# The service logs in as cloud, with a key that cloud-init puts there; nobody logs in with a password.
id cloud >/dev/null 2>&1 || useradd -m -s /bin/bash cloud
passwd -l cloud
echo 'cloud ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/cloud
chmod 0440 /etc/sudoers.d/cloud
install -d -m 0700 -o cloud -g cloud /home/cloud/.ssh
install -d /etc/ssh/sshd_config.d
printf 'PasswordAuthentication no\nPermitRootLogin no\n' >/etc/ssh/sshd_config.d/10-cks.conf

# Kubernetes' programs are put here; sudo has to find them.
install -d -m 0755 /opt/bin
printf 'Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin"\n' >/etc/sudoers.d/path
chmod 0440 /etc/sudoers.d/path
echo 'PATH=$PATH:/opt/bin' >/etc/profile.d/cks.sh

# The seed is a disc of the NoCloud kind: no other source is asked, so that a node does not wait for one.
install -d /etc/cloud/cloud.cfg.d
cat >/etc/cloud/cloud.cfg.d/99-cks.cfg <<'CONFIG'
datasource_list: [NoCloud, None]
growpart: {mode: auto, devices: ['/']}
resize_rootfs: true
ssh_deletekeys: true
CONFIG

# What kubeadm checks before it begins.
printf 'overlay\nbr_netfilter\n' >/etc/modules-load.d/cks.conf
cat >/etc/sysctl.d/90-cks.conf <<'CONFIG'
net.ipv4.ip_forward = 1
net.bridge.bridge-nf-call-iptables = 1
net.bridge.bridge-nf-call-ip6tables = 1
fs.inotify.max_user_instances = 8192
CONFIG
sed -i '/\sswap\s/d' /etc/fstab

install -d /etc/containerd
containerd config default | sed 's/SystemdCgroup = false/SystemdCgroup = true/' >/etc/containerd/config.toml
systemctl enable containerd ssh

# Each node gets its own.
apt-get clean
rm -rf /var/lib/apt/lists/* /var/lib/cloud /etc/ssh/ssh_host_* /root/.bash_history
truncate -s 0 /etc/machine-id
rm -f /var/lib/dbus/machine-id
SCRIPT
bash -n "$work/prepare.sh"

# --- the image -------------------------------------------------------------------------------------------------------

if [[ $base == http://* || $base == https://* ]]; then
  run curl -fL --retry 3 -o "$work/base" "$base"
  if [[ $dry == no ]]; then
    if [[ -z $checksum ]]; then
      checksum=$(curl -fsSL "${base%/*}/SHA512SUMS" | awk -v name="${base##*/}" '$2 == name || $2 == "*" name { print $1 }') || true
      [[ -n $checksum ]] || die "${base%/*}/SHA512SUMS does not name ${base##*/}: give --checksum"
    fi
    say "comparing $base with SHA-512 $checksum"
    printf '%s  %s\n' "$checksum" "$work/base" | sha512sum -c --quiet || die "$base does not have SHA-512 $checksum"
  fi
else
  [[ $dry == yes || -f $base ]] || die "--base: there is no file $base"
  run cp "$base" "$work/base"
fi
run qemu-img convert -O qcow2 "$work/base" "$image"
run qemu-img resize "$image" "${size}G"
customize=(virt-customize -a "$image" --run "$work/prepare.sh")
for script in "${scripts[@]}"; do customize+=(--run "$script"); done
run "${customize[@]}"
if [[ $dry == yes ]]; then
  printf -- '--- prepare.sh\n'
  cat "$work/prepare.sh"
  printf -- '---\n'
fi
if [[ $format == qcow2 ]]; then
  run virt-sparsify --compress "$image" "$work/template.qcow2"
  run mv -f "$work/template.qcow2" "$output"
else
  # A container has no kernel and no boot loader of its own.
  run virt-tar-out -a "$image" / "$work/template.tar"
  run gzip "$work/template.tar"
  run mv -f "$work/template.tar.gz" "$output"
fi
if [[ $dry == no ]]; then
  sum=$(sha256sum "$output")
  printf '%s\n{SHA-256}%s\n' "$output" "${sum%% *}"
fi
