#!/usr/bin/env bash
# One control node and one worker by hand, as an engineer would write it for libvirt's containers with virsh, ssh and kubeadm, as `bench/lab.ts`
# has it done beside the service. Machines are made at the same time; the worker joins once the control plane is there.
# usage: lab-by-hand.sh up FOLDER TEMPLATE MEDIUM VERSION      FOLDER is new; prints "SECONDS WHAT" as it goes, until both nodes are Ready
#        lab-by-hand.sh down FOLDER
# TEMPLATE and MEDIUM are the unpacked root and binaries ISO, the copies that the service takes its own from.
set -euo pipefail

what=$1 folder=$2
virsh() { command virsh -q -c lxc:///system "$@"; }

if [[ $what == down ]]; then
  for name in hand-control hand-worker; do
    virsh destroy "$name" || true
    virsh undefine "$name" || true
  done
  ip link delete hand
  rm -rf "$folder"
  exit
fi

template=$3 medium=$4 version=$5
began=$(date +%s%N)
control=10.77.0.11 worker=10.77.0.12
path=PATH=/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin
say() { printf '%d.%02d %s\n' $((($(date +%s%N) - began) / 1000000000)) $((($(date +%s%N) - began) / 10000000 % 100)) "$1"; }
on() { # ADDRESS COMMAND...
  local address=$1
  shift
  ssh -i "$folder/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=3 "root@$address" "$@"
}

mkdir "$folder"
ip link add hand type bridge
ip address add 10.77.0.1/24 dev hand
ip link set hand up
ssh-keygen -q -t ed25519 -N '' -f "$folder/key"

prepare() { # NAME ADDRESS: the root of a machine, with all that need not wait for its boot
  local root=$folder/$1
  mkdir "$root"
  cp -a --reflink=auto "$template/." "$root"
  echo "$1" >"$root/etc/hostname"
  printf '127.0.0.1 localhost\n%s %s\n' "$2" "$1" >"$root/etc/hosts"
  printf 'auto lo\niface lo inet loopback\nauto eth0\niface eth0 inet static\n  address %s/24\n  gateway 10.77.0.1\n' "$2" >"$root/etc/network/interfaces"
  echo 'nameserver 10.77.0.1' >"$root/etc/resolv.conf"
  touch "$root/etc/cloud/cloud-init.disabled"
  install -d -m 0700 "$root/root/.ssh"
  install -m 0600 "$folder/key.pub" "$root/root/.ssh/authorized_keys"
  ssh-keygen -q -t ed25519 -N '' -f "$root/etc/ssh/ssh_host_ed25519_key"
  mkdir -p "$root/opt/bin" "$root/opt/cni/bin" "$root/etc/systemd/system/kubelet.service.d"
  install -m 0755 "$medium"/k8s/{kubeadm,kubelet,kubectl} "$root/opt/bin"
  tar -xzf "$medium"/cni/cni-plugins-*.tgz -C "$root/opt/cni/bin"
  cp "$medium/kubelet.service" "$root/etc/systemd/system"
  cp "$medium/10-kubeadm.conf" "$root/etc/systemd/system/kubelet.service.d"
  ln -s /etc/systemd/system/kubelet.service "$root/etc/systemd/system/multi-user.target.wants/"
}

machine() { # NAME ADDRESS: boots it and imports its images
  prepare "$1" "$2"
  say "$1: root is copied"
  cat >"$folder/$1.xml" <<XML
<domain type='lxc'><name>$1</name><memory unit='MiB'>2048</memory><vcpu>2</vcpu>
<os><type arch='x86_64'>exe</type><init>/sbin/cks-init</init></os>
<features><privnet/><capabilities policy='allow'/></features>
<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
<devices>
<filesystem type='mount' accessmode='passthrough'><source dir='$folder/$1'/><target dir='/'/></filesystem>
<filesystem type='mount' accessmode='passthrough'><source dir='$medium'/><target dir='/mnt/k8sdisk'/><readonly/></filesystem>
<interface type='bridge'><source bridge='hand'/><guest dev='eth0'/></interface>
<hostdev mode='capabilities' type='misc'><source><char>/dev/kmsg</char></source></hostdev>
<console type='pty'/></devices></domain>
XML
  virsh define "$folder/$1.xml"
  virsh start "$1"
  until on "$2" true 2>/dev/null; do sleep 0.2; done
  say "$1: answers on SSH"
  # shellcheck disable=SC2016 # it expands there
  on "$2" 'until ctr version >/dev/null 2>&1; do sleep 0.2; done; for image in /mnt/k8sdisk/docker/*; do ctr -n k8s.io images import "$image" >/dev/null; done'
  say "$1: images are imported"
}

machine hand-worker $worker &
booted=$!
machine hand-control $control
on $control 'cat - /etc/cks/kubeadm.d/kubelet.yaml <(echo ---) /etc/cks/kubeadm.d/kube-proxy.yaml >/root/init.yaml' <<YAML
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: $control, bindPort: 6443}
nodeRegistration: {name: hand-control, criSocket: "unix:///run/containerd/containerd.sock", imagePullPolicy: Never}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v$version
controlPlaneEndpoint: $control:6443
networking: {podSubnet: 10.244.0.0/16}
---
YAML
on $control "$path kubeadm init --config /root/init.yaml" >"$folder/init.log" 2>&1 || { cat "$folder/init.log" >&2; exit 1; }
say 'kubeadm init has ended'
on $control 'KUBECONFIG=/etc/kubernetes/admin.conf /opt/bin/kubectl apply -f /mnt/k8sdisk/network.yaml' >/dev/null
join=$(on $control "$path kubeadm token create --print-join-command")
wait $booted
on $worker "$path $join --node-name hand-worker" >"$folder/join.log" 2>&1 || { cat "$folder/join.log" >&2; exit 1; }
say 'kubeadm join has ended'
# shellcheck disable=SC2016
on $control 'until [ "$(/opt/bin/kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes --no-headers | grep -cw Ready)" = 2 ]; do sleep 0.2; done'
say 'both nodes are Ready'
