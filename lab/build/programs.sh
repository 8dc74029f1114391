#!/usr/bin/env bash
# Builds the programs of real nodes from their Go modules: no prebuilt binary, no registry.
# usage: programs.sh CACHE kubernetes|etcd|etcdctl|coredns|cni|crictl|flannel VERSION     VERSION as 1.33.13, without a v
# What is built is CACHE/NAME/VERSION/PROGRAM. A program that is there is not built again, so a build that was cut off goes on.
set -euo pipefail

cache=${1:?cache} name=${2:?name} version=${3:?version}
out=$cache/$name/$version
mkdir -p "$out/.module"
cd "$out/.module"
export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=mod
command -v go >/dev/null || {
  echo 'programs.sh: go is missing (1.25 or newer)' >&2
  exit 1
}

say() { printf '%s\n' "$*" >&2; }

module() { # PATH: a module of our own that needs the one whose programs are built
  grep -qs "$1 v$version" go.mod || printf 'module lab\n\ngo 1.24.0\n\nrequire %s v%s\n' "$1" "$version" >go.mod
}

program() { # NAME PACKAGE [LDFLAGS]: in one move, so that what is there is whole
  [[ ! -x $out/$1 ]] || return 0
  local began=$SECONDS
  say "building $name $version: $1"
  go build -trimpath -p "${LAB_BUILD_WIDTH:-2}" -ldflags "-s -w ${3:-}" -o "$out/.$1.new" "$2"
  mv "$out/.$1.new" "$out/$1"
  say "built $1 in $((SECONDS - began)) s"
}

# k8s.io/kubernetes points to its staging modules by path, which `go install` refuses: here each is the module of the same release.
kubernetes_module() {
  local upstream answer
  if grep -qs "k8s.io/kubernetes v$version" go.mod; then return; fi
  answer=$(go mod download -json "k8s.io/kubernetes@v$version") || {
    say "$(sed -nE 's/^\s*"Error": "(.*)",?$/\1/p' <<<"$answer")"
    exit 1
  }
  upstream=$(sed -nE 's/^\s*"GoMod": "(.*)",?$/\1/p' <<<"$answer")
  {
    printf 'module lab\n\n'
    grep -E '^go(debug)? ' "$upstream"
    printf '\nrequire k8s.io/kubernetes v%s\n\nreplace (\n' "$version"
    sed -nE 's#^\s*(replace )?(k8s\.io/[a-z0-9-]+) => \./staging/.*#\2#p' "$upstream" | sort -u | sed "s#.*#\t& => & v0.${version#1.}#"
    printf ')\n'
  } >go.mod.new
  mv go.mod.new go.mod
}

kubernetes_flags() { # what `--version` answers
  local package minor=${version#1.}
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    printf -- ' -X %s.gitVersion=v%s -X %s.gitMajor=1 -X %s.gitMinor=%s' "$package" "$version" "$package" "$package" "${minor%%.*}"
    printf -- ' -X %s.gitTreeState=clean -X %s.buildDate=1970-01-01T00:00:00Z' "$package" "$package"
    printf -- ' -X %s.gitCommit=%040d' "$package" 0
  done
}

case $name in
  kubernetes)
    kubernetes_module
    for each in kubeadm kubelet kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubectl; do
      program "$each" "k8s.io/kubernetes/cmd/$each" "$(kubernetes_flags)"
    done
    ;;
  etcd)
    module go.etcd.io/etcd/server/v3
    program etcd go.etcd.io/etcd/server/v3
    ;;
  etcdctl)
    module go.etcd.io/etcd/etcdctl/v3
    program etcdctl go.etcd.io/etcd/etcdctl/v3
    ;;
  coredns)
    module github.com/coredns/coredns
    program coredns github.com/coredns/coredns
    ;;
  cni)
    module github.com/containernetworking/plugins
    for each in main/bridge main/loopback main/ptp ipam/host-local meta/portmap meta/bandwidth meta/tuning meta/firewall; do
      program "${each#*/}" "github.com/containernetworking/plugins/plugins/$each"
    done
    ;;
  crictl)
    module sigs.k8s.io/cri-tools
    program crictl sigs.k8s.io/cri-tools/cmd/crictl "-X sigs.k8s.io/cri-tools/pkg/version.Version=v$version"
    ;;
  flannel)
    module github.com/flannel-io/flannel
    export CGO_ENABLED=1 # one of its backends is C
    program flanneld github.com/flannel-io/flannel "-extldflags -static -X github.com/flannel-io/flannel/pkg/version.Version=v$version"
    ;;
  *)
    say "programs.sh: unknown name $name"
    exit 2
    ;;
esac
