#!/usr/bin/env bash
# Makes the images of one Kubernetes version, under the names that its kubeadm asks for, from the programs that programs.sh built.
# usage: images.sh CACHE KUBERNETES NODE_ROOT.tar ETCDCTL COREDNS FLANNEL OUT      needs root (kube-proxy's libraries are found by chroot)
set -euo pipefail

cache=${1:?cache} kubernetes=${2:?version} node_root=${3:?root} etcdctl=${4:?version} coredns=${5:?version} flannel=${6:?version} out=${7:?out}
here=$(cd "$(dirname "$0")" && pwd)
programs=$cache/kubernetes/$kubernetes
mkdir -p "$out"
work=$(mktemp -d "$out/.work-XXXXXX")
trap 'rm -rf "$work"' EXIT

image() { # REFERENCE ENTRYPOINT PROGRAM...
  local file=$out/${1##*/}.tar
  [[ -f $file ]] || "$here/image.sh" "$file" "$@"
}

tables_root() { # FOLDER: iptables, nft and conntrack with their libraries, where Debian has them
  local node=$work/node folder file library
  local -a wanted
  [[ ! -d $1 ]] || return 0
  mkdir -p "$node"
  tar -C "$node" -xf "$node_root" ./usr ./lib ./lib64 ./bin ./sbin
  mkdir -p "$1.new"/{run,tmp,etc,usr/{bin,sbin,lib,lib64}}
  for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$1.new/$folder"; done
  mapfile -t wanted < <(cd "$node" && find usr/lib/*/xtables usr/sbin/{xtables-nft-multi,xtables-legacy-multi,nft,conntrack} usr/bin/dash -type f)
  for file in "${wanted[@]}"; do
    for library in $(chroot "$node" ldd "/$file" 2>/dev/null | grep -oE '/(usr/)?lib[^ ]+'); do
      library=usr/${library#/}
      install -D -m 0755 "$(realpath "$node/${library/usr\/usr/usr}")" "$1.new/${library/usr\/usr/usr}"
    done
    install -D -m 0755 "$node/$file" "$1.new/$file"
  done
  # Some extensions are links to others.
  (cd "$node" && find usr/lib/*/xtables -type l -exec cp -a --parents {} "$1.new/" \;)
  ln -s dash "$1.new/usr/bin/sh"
  for file in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
    ln -s xtables-nft-multi "$1.new/usr/sbin/$file"
  done
  rm -rf "$node"
  mv "$1.new" "$1"
}

while read -r reference; do
  name=${reference##*/}
  tag=${name#*:}
  name=${name%:*}
  case $name in
    kube-proxy)
      tables_root "$cache/tables"
      IMAGE_ROOT=$cache/tables image "$reference" /usr/local/bin/kube-proxy "$programs/kube-proxy"
      ;;
    kube-*) image "$reference" "/usr/local/bin/$name" "$programs/$name" ;;
    coredns) image "$reference" /coredns "$cache/coredns/$coredns/coredns=/coredns" ;;
    etcd) image "$reference" /usr/local/bin/etcd "$cache/etcd/${tag%-*}/etcd" "$cache/etcdctl/$etcdctl/etcdctl" ;;
    pause)
      cc -Os -static -s -o "$work/pause" "$here/pause.c"
      image "$reference" /pause "$work/pause=/pause"
      ;;
    *)
      printf 'images.sh: kubeadm wants %s, and nothing here makes it\n' "$reference" >&2
      exit 1
      ;;
  esac
done < <("$programs/kubeadm" config images list --kubernetes-version "v$kubernetes")

tables_root "$cache/tables"
IMAGE_ROOT=$cache/tables image "lab.cks/flannel:v$flannel" /usr/local/bin/flanneld "$cache/flannel/$flannel/flanneld"
image lab.cks/busybox:lab /bin/busybox "$(command -v busybox)=/bin/busybox"
