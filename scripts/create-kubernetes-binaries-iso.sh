#!/usr/bin/env bash
# Makes the medium of one Kubernetes version: everything that nodes install, so that they need no registry and no mirror.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: create-kubernetes-binaries-iso.sh OUTPUT_PATH KUBERNETES_VERSION CNI_VERSION CRICTL_VERSION NETWORK DASHBOARD [NAME] [ARCH] [ETCD_VERSION]

  OUTPUT_PATH         folder for the ISO
  KUBERNETES_VERSION  such as 1.34.2
  CNI_VERSION         of the CNI plugins, such as 1.8.0
  CRICTL_VERSION      such as 1.34.0
  NETWORK             manifest of the pod network: a URL or a file, or default
  DASHBOARD           manifest of the dashboard: a URL or a file; a version such as 0.40.1 means Headlamp; none leaves it out
  NAME                of the ISO without its ending; default setup-vKUBERNETES_VERSION
  ARCH                x86_64 (default) or aarch64; amd64 and arm64 mean the same
  ETCD_VERSION        puts etcd on the medium, for clusters with dedicated etcd nodes; may also stand in ARCH's place

The ISO is OUTPUT_PATH/NAME-ARCH.iso. Versions are written without a leading v.

Every source may be replaced: a variable with an http(s):// or file:// URL or a path.
  KUBERNETES_SOURCE   folder with kubeadm, kubelet and kubectl
  CNI_SOURCE          archive of the CNI plugins
  CRICTL_SOURCE       archive of crictl
  ETCD_SOURCE         archive of etcd
  KUBELET_SERVICE     systemd unit of the kubelet, and
  KUBEADM_CONF        its drop-in; both are written by this program unless they are given
  PROVIDER_SOURCE     manifest of the cloud controller manager
  AUTOSCALER_SOURCE   manifest of the cluster autoscaler
  CSI_CRDS_SOURCE     manifest of the snapshot CRDs of the CSI driver, and
  CSI_SOURCE          of the driver itself
  IMAGES_LIST         file with the images to put on the medium, one a line, instead of what kubeadm and the manifests name
  IMAGES_SOURCE       folder with the archives NAME:TAG.tar of all images: nothing is pulled
  IMAGE_TOOL          skopeo, ctr or docker; default: the first one that is there
PROVIDER_SOURCE, AUTOSCALER_SOURCE, CSI_CRDS_SOURCE and CSI_SOURCE may be none.

Example:
  create-kubernetes-binaries-iso.sh ./ 1.34.2 1.8.0 1.34.0 default 0.40.1 setup-v1.34.2 x86_64 3.6.5
TEXT
}

die() {
  printf 'create-kubernetes-binaries-iso.sh: %s\n' "$1" >&2
  exit 1
}
say() { printf '%s\n' "$1" >&2; }

for argument in "$@"; do
  if [[ $argument == --help || $argument == -h ]]; then
    usage
    exit 0
  fi
done
if (($# < 6 || $# > 9)); then
  usage >&2
  die "expected 6 to 9 arguments, found $#"
fi

is_version() { [[ $1 =~ ^[0-9]+\.[0-9]+(\.[0-9]+)?([-.][0-9A-Za-z.]+)?$ ]]; }
version_or_die() { # WHAT VERSION
  is_version "$2" || die "$1: expected a version such as 1.34.2, without a v, found \"$2\""
}

output=$1 kubernetes=$2 cni=$3 crictl=$4 network=$5 dashboard=$6
name=${7:-setup-v$kubernetes}
arch=${8:-x86_64}
etcd=${9:-}
if is_version "$arch" && [[ -z $etcd ]]; then # the user documentation has the version of etcd in eighth place
  etcd=$arch
  arch=x86_64
fi
version_or_die KUBERNETES_VERSION "$kubernetes"
version_or_die CNI_VERSION "$cni"
version_or_die CRICTL_VERSION "$crictl"
[[ -z $etcd ]] || version_or_die ETCD_VERSION "$etcd"
case $arch in
  x86_64 | amd64) arch=x86_64 go_arch=amd64 ;;
  aarch64 | arm64) arch=aarch64 go_arch=arm64 ;;
  *) die "ARCH: expected x86_64 or aarch64, found \"$arch\"" ;;
esac
[[ $name =~ ^[A-Za-z0-9._-]+$ ]] || die "NAME: expected letters, digits, dots, dashes and underscores, found \"$name\""
[[ -d $output ]] || die "OUTPUT_PATH: there is no folder $output"
case $(uname -m) in
  x86_64) own_arch=amd64 ;;
  aarch64) own_arch=arm64 ;;
  *) own_arch= ;;
esac

mkiso=()
for tool in mkisofs genisoimage xorriso; do
  if command -v "$tool" >/dev/null; then
    mkiso=("$tool")
    [[ $tool != xorriso ]] || mkiso=(xorriso -as mkisofs)
    break
  fi
done
((${#mkiso[@]} > 0)) || die 'mkisofs is missing: install genisoimage or xorriso'

work=$(mktemp -d "${TMPDIR:-/tmp}/cks-iso-XXXXXX")
trap 'rm -rf "$work"' EXIT
iso=$work/iso
mkdir -p "$iso"

# --- sources ---------------------------------------------------------------------------------------------------------

fetch() { # WHAT SOURCE FILE: from a URL or a path
  local what=$1 from=$2 to=$3
  mkdir -p "${to%/*}"
  say "$what: $from"
  case $from in
    http://* | https://*)
      command -v curl >/dev/null || die "curl is missing: install it, or give files"
      curl -fsSL --retry 3 --connect-timeout 30 -o "$to" "$from" || die "$what: cannot fetch $from (see --help for how to give another source)"
      ;;
    *)
      from=${from#file://}
      [[ -f $from ]] || die "$what: there is no file $from"
      cp "$from" "$to"
      ;;
  esac
  [[ -s $to ]] || die "$what: $2 is empty"
}

fetch_checked() { # WHAT SOURCE FILE: what comes from the network is compared with SOURCE.sha256
  fetch "$@"
  [[ $2 == http://* || $2 == https://* ]] || return 0
  local wanted found
  wanted=$(curl -fsSL --retry 3 "$2.sha256") || die "$1: cannot fetch $2.sha256"
  wanted=${wanted%%[[:space:]]*}
  found=$(sha256sum "$3")
  found=${found%% *}
  [[ $wanted == "$found" ]] || die "$1: $2 has SHA-256 $found, expected $wanted"
}

unpacks() { # WHAT FILE
  tar -tzf "$2" >/dev/null 2>&1 || die "$1: ${2##*/} is no .tar.gz archive"
}

optional() { # WHAT SOURCE FILE: unless it is none
  if [[ $2 == none ]]; then say "$1: left out"; else fetch "$@"; fi
}

releases=https://github.com
raw=https://raw.githubusercontent.com
if [[ $network == default ]]; then network=$releases/flannel-io/flannel/releases/download/v0.27.4/kube-flannel.yml; fi

for program in kubeadm kubelet kubectl; do
  fetch_checked "$program" "${KUBERNETES_SOURCE:-https://dl.k8s.io/release/v$kubernetes/bin/linux/$go_arch}/$program" "$iso/k8s/$program"
done
chmod 0755 "$iso"/k8s/*
fetch_checked 'CNI plugins' "${CNI_SOURCE:-$releases/containernetworking/plugins/releases/download/v$cni/cni-plugins-linux-$go_arch-v$cni.tgz}" "$iso/cni/cni-plugins-$go_arch.tgz"
unpacks 'CNI plugins' "$iso/cni/cni-plugins-$go_arch.tgz"
fetch_checked crictl "${CRICTL_SOURCE:-$releases/kubernetes-sigs/cri-tools/releases/download/v$crictl/crictl-v$crictl-linux-$go_arch.tar.gz}" "$iso/cri-tools/crictl-linux-$go_arch.tar.gz"
unpacks crictl "$iso/cri-tools/crictl-linux-$go_arch.tar.gz"
if [[ -n $etcd ]]; then
  fetch etcd "${ETCD_SOURCE:-$releases/etcd-io/etcd/releases/download/v$etcd/etcd-v$etcd-linux-$go_arch.tar.gz}" "$iso/etcd/etcd-linux-$go_arch.tar.gz"
  unpacks etcd "$iso/etcd/etcd-linux-$go_arch.tar.gz"
fi

# --- unit files ------------------------------------------------------------------------------------------------------

if [[ -n ${KUBELET_SERVICE:-} ]]; then
  fetch 'unit of the kubelet' "$KUBELET_SERVICE" "$iso/kubelet.service"
else
  cat >"$iso/kubelet.service" <<'UNIT'
[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/opt/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
UNIT
fi
if [[ -n ${KUBEADM_CONF:-} ]]; then
  fetch 'drop-in of the kubelet' "$KUBEADM_CONF" "$iso/10-kubeadm.conf"
else
  cat >"$iso/10-kubeadm.conf" <<'UNIT'
# Of kubeadm: its own files say how the kubelet is started.
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
# Written by "kubeadm init" and "kubeadm join".
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
# The operator's own arguments.
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/opt/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
UNIT
fi
sed -i 's#/usr/bin/#/opt/bin/#g' "$iso/kubelet.service" "$iso/10-kubeadm.conf"

# --- manifests -------------------------------------------------------------------------------------------------------

fetch 'pod network' "$network" "$iso/network.yaml"
if [[ $dashboard != none && $dashboard =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
  fetch Headlamp "$raw/kubernetes-sigs/headlamp/v$dashboard/kubernetes-headlamp.yaml" "$iso/headlamp.yaml"
else
  optional dashboard "$dashboard" "$iso/dashboard.yaml"
fi
csi=$releases/cloudstack/cloudstack-csi-driver/releases/download/v3.0.0
optional provider "${PROVIDER_SOURCE:-$raw/apache/cloudstack-kubernetes-provider/main/deployment.yaml}" "$iso/provider.yaml"
optional autoscaler "${AUTOSCALER_SOURCE:-$raw/kubernetes/autoscaler/master/cluster-autoscaler/cloudprovider/cloudstack/examples/cluster-autoscaler-standard.yaml}" "$iso/autoscaler.yaml"
optional 'CSI snapshot CRDs' "${CSI_CRDS_SOURCE:-$csi/snapshot-crds.yaml}" "$iso/snapshot-crds.yaml"
optional 'CSI driver' "${CSI_SOURCE:-$csi/manifest.yaml}" "$iso/manifest.yaml"
grep -q '^kind:' "$iso/network.yaml" || die "NETWORK: $network is no Kubernetes manifest"

# --- images ----------------------------------------------------------------------------------------------------------

kubeadm_that_runs() { # prints the path of a kubeadm of this version that runs on this machine
  if [[ $go_arch == "$own_arch" || -n ${KUBERNETES_SOURCE:-} ]]; then
    printf '%s' "$iso/k8s/kubeadm"
    return
  fi
  [[ -n $own_arch ]] || die "kubeadm does not run on $(uname -m): give IMAGES_LIST"
  fetch_checked 'kubeadm for this machine' "https://dl.k8s.io/release/v$kubernetes/bin/linux/$own_arch/kubeadm" "$work/own/kubeadm"
  chmod 0755 "$work/own/kubeadm"
  printf '%s' "$work/own/kubeadm"
}

list_images() {
  local kubeadm found manifest
  if [[ -n ${IMAGES_LIST:-} ]]; then
    [[ -f $IMAGES_LIST ]] || die "IMAGES_LIST: there is no file $IMAGES_LIST"
    grep -vE '^[[:space:]]*(#|$)' "$IMAGES_LIST" || die "IMAGES_LIST: $IMAGES_LIST names no image"
    return
  fi
  kubeadm=$(kubeadm_that_runs) || exit 1
  found=$("$kubeadm" version -o short) || die 'kubeadm does not run here: give IMAGES_LIST'
  [[ $found == "v$kubernetes" ]] || die "kubeadm is of $found, expected v$kubernetes"
  "$kubeadm" config images list --kubernetes-version="v$kubernetes" || die 'kubeadm config images list failed'
  for manifest in network dashboard headlamp provider autoscaler manifest; do
    [[ ! -f $iso/$manifest.yaml ]] || sed -nE "s/^[[:space:]-]*image:[[:space:]]*[\"']?([^\"'[:space:]#]+).*/\1/p" "$iso/$manifest.yaml"
  done
}

file_of() { # REFERENCE: name of its archive; two images of one name would overwrite each other
  local last=${1%@*}
  printf '%s.tar' "${last##*/}"
}

pick_image_tool() {
  local tool
  for tool in ${IMAGE_TOOL:-skopeo ctr docker}; do
    if command -v "$tool" >/dev/null; then
      printf '%s' "$tool"
      return
    fi
  done
  die "${IMAGE_TOOL:-skopeo, ctr or docker} is missing: it pulls the images; or give IMAGES_SOURCE"
}

full_name() { # REFERENCE: with its registry, as ctr wants it
  local first=${1%%/*}
  if [[ $1 != */* ]]; then
    printf 'docker.io/library/%s' "$1"
  elif [[ $first == *.* || $first == *:* || $first == localhost ]]; then
    printf '%s' "$1"
  else
    printf 'docker.io/%s' "$1"
  fi
}

pull() { # TOOL REFERENCE FILE
  local tool=$1 reference file=$3
  reference=$(full_name "$2")
  case $tool in
    # A name may have a tag or a digest for skopeo, not both.
    skopeo) skopeo copy -q --override-os linux --override-arch "$go_arch" "docker://$(sed -E 's/:[^/@]+@/@/' <<<"$reference")" "docker-archive:$file:${reference%@*}" ;;
    ctr)
      ctr -n cks-iso image pull --platform "linux/$go_arch" "$reference" >/dev/null &&
        ctr -n cks-iso image export --platform "linux/$go_arch" "$file" "$reference" &&
        ctr -n cks-iso image rm "$reference" >/dev/null
      ;;
    docker)
      docker pull -q --platform "linux/$go_arch" "$reference" >/dev/null && docker save -o "$file" "$reference"
      ;;
    *) die "IMAGE_TOOL: expected skopeo, ctr or docker, found \"$tool\"" ;;
  esac || die "image $reference: $tool cannot pull it"
}

mkdir "$iso/docker"
list_images >"$work/images" || exit 1
sort -u -o "$work/images" "$work/images"
[[ -s $work/images ]] || die 'the list of images is empty'
tool=
[[ -n ${IMAGES_SOURCE:-} ]] || tool=$(pick_image_tool)
while read -r reference <&3; do
  file=$(file_of "$reference")
  [[ ! -e $iso/docker/$file ]] || die "two images have the file docker/$file: $reference is the second one"
  if [[ -n ${IMAGES_SOURCE:-} ]]; then
    fetch "image $reference" "${IMAGES_SOURCE%/}/$file" "$iso/docker/$file"
  else
    say "image $reference"
    pull "$tool" "$reference" "$iso/docker/$file"
  fi
done 3<"$work/images"

# What is on the node must not be pulled again.
for manifest in "$iso"/*.yaml; do sed -i -E 's/imagePullPolicy:[[:space:]]*[A-Za-z"'\'']+/imagePullPolicy: IfNotPresent/' "$manifest"; done

# --- the medium ------------------------------------------------------------------------------------------------------

target=$output/$name-$arch.iso
# Nodes find the disc by its label.
"${mkiso[@]}" -quiet -o "$work/medium.iso" -V CDROM -J -R -l "$iso" 2>"$work/mkiso.log" || die "mkisofs failed: $(tail -n 3 "$work/mkiso.log")"
mv -f "$work/medium.iso" "$target"
sum=$(sha256sum "$target")
say "$(wc -l <"$work/images") images, $(($(stat -c %s "$target") / 1048576)) MiB"
printf '%s\n{SHA-256}%s\n' "$target" "${sum%% *}"
