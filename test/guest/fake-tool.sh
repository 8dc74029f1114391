#!/usr/bin/env bash
# Stands in for the programs that cks-node calls, under their names. Records every call in $FAKE/calls.
# What it does is steered by files in $FAKE: hold (kubeadm waits), fail-init, fail-join, fail-import, api-up, node-known, skew, no-medium,
# fail-upgrade (what kubeadm upgrade says, once for each line), kubelet-down, cni-error, no-service.
# A program from a medium tells its version by its last line.
set -euo pipefail
name=$(basename "$0")
printf '%s %s\n' "$name" "$*" >>"$FAKE/calls"
kubernetes=$CKS_ROOT/etc/kubernetes
own=$(tail -n 1 "$0")
own=${FAKE_VERSION:-${own#\# version }}

config() { # keeps the configuration file that a call names, with its mode
  local previous='' word
  for word; do
    if [[ $previous == --config ]]; then
      { stat -c 'mode %a' "$word"; cat "$word"; } >"$FAKE/config-$1"
    fi
    previous=$word
  done
}

kubeadm() {
  case "$1 ${2:-}" in
    'version '*) echo "$own" && return ;;
    'config '*) printf 'registry.k8s.io/kube-apiserver:v1.34.2\nregistry.k8s.io/pause:3.10\n' && return ;;
  esac
  config "$@"
  while [[ -e $FAKE/hold ]]; do sleep 0.02; done
  echo "[$1] token abcdef.0123456789abcdef key $(printf 'a%.0s' {1..64})"
  case $1 in
    init)
      if [[ $2 == phase ]]; then return; fi
      if compgen -G "$kubernetes/manifests/*.yaml" >/dev/null; then echo '[ERROR FileAvailable]: already exists' && exit 1; fi
      mkdir -p "$kubernetes/manifests" "$kubernetes/pki"
      touch "$kubernetes/manifests/kube-apiserver.yaml"
      if [[ -e $FAKE/fail-init ]]; then echo 'error execution phase wait-control-plane: timed out' >&2 && exit 1; fi
      cp "$FAKE/ca.crt" "$kubernetes/pki/ca.crt"
      echo 'admin "conf"' >"$kubernetes/admin.conf"
      touch "$FAKE/api-up"
      ;;
    join)
      if [[ -e $kubernetes/kubelet.conf ]]; then echo '[ERROR FileAvailable--etc-kubernetes-kubelet.conf]: already exists' && exit 1; fi
      mkdir -p "$kubernetes/pki"
      touch "$kubernetes/kubelet.conf"
      if [[ -e $FAKE/fail-join ]]; then echo 'error execution phase kubelet-start: timed out' && exit 1; fi
      cp "$FAKE/ca.crt" "$kubernetes/pki/ca.crt"
      touch "$FAKE/node-known"
      ;;
    upgrade)
      if [[ -s $FAKE/fail-upgrade ]]; then
        head -n 1 "$FAKE/fail-upgrade"
        sed -i 1d "$FAKE/fail-upgrade"
        exit 1
      fi
      ;;
    certs)
      for config in "$FAKE"/renewed/*; do
        if [[ $config == *.conf ]]; then cp "$config" "$kubernetes/"; else cp "$config" "$kubernetes/pki/"; fi
      done
      ;;
    reset) rm -rf "$kubernetes"/{manifests,pki,admin.conf,kubelet.conf} "$FAKE/api-up" "$FAKE/node-known" ;;
  esac
}

case $name in
  systemd-run)
    unit=
    while [[ $1 != -- ]]; do
      case $1 in
        --unit=*) unit=${1#--unit=} ;;
        --setenv=*) export "${1#--setenv=}" ;;
      esac
      shift
    done
    shift
    mkdir -p "$FAKE/units"
    setsid "$@" </dev/null >/dev/null 2>&1 &
    echo $! >"$FAKE/units/$unit.service"
    ;;
  systemctl)
    lives() { # UNIT
      local pid
      pid=$(cat "$FAKE/units/$1" 2>/dev/null) || return 1
      [[ -n $(tr -d '\0' 2>/dev/null <"/proc/$pid/cmdline") ]]
    }
    case "$1 ${*: -1}" in
      'show '*) if lives "${*: -1}"; then echo active; else echo inactive; fi ;;
      'is-active kubelet') [[ ! -e $FAKE/kubelet-down ]] ;;
      'restart kubelet') rm -f "$FAKE/kubelet-down" ;;
      'is-active etcd') lives etcd.service ;;
      'restart etcd' | 'stop etcd' | 'disable etcd') # runs the unit's command, away from this call
        if lives etcd.service; then kill "$(cat "$FAKE/units/etcd.service")"; fi
        while lives etcd.service; do sleep 0.05; done
        if [[ $1 == restart ]]; then
          command=$(sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$CKS_ROOT/etc/systemd/system/etcd.service" | sed -n 's/^ExecStart=//p')
          mkdir -p "$FAKE/units"
          # shellcheck disable=SC2086 # the words of a unit's command
          (for fd in {3..254}; do eval "exec $fd>&-"; done; exec setsid $command </dev/null >>"$FAKE/etcd.log" 2>&1) &
          echo $! >"$FAKE/units/etcd.service"
        fi
        ;;
    esac
    ;;
  blkid) if [[ ! -e $FAKE/no-medium ]]; then echo /dev/fake; fi ;;
  mount) cp -a "$FAKE/medium/." "${*: -1}" ;;
  umount) find "$1" -mindepth 1 -delete ;;
  ctr)
    case "$3 $4" in
      'images ls') cat "$FAKE/images" 2>/dev/null || true ;;
      'containers ls') echo "container-of-${6##*=}" ;;
      'images import')
        if [[ -e $FAKE/fail-import ]]; then echo 'ctr: unexpected EOF' && exit 1; fi
        tar -xOf "$5" manifest.json | grep -oE '[a-z0-9./-]+:[v0-9.]+' >>"$FAKE/images"
        ;;
    esac
    ;;
  containerd) printf '[plugins]\n  sandbox_image = "registry.k8s.io/pause:3.6"\n    SystemdCgroup = false\n' ;;
  kubectl)
    case "$*" in
      *' -f '*)
        sed "s#^#$(sed -E 's/.*(apply|delete) .*/\1/' <<<"$*") #" "${*: -1}" >>"$FAKE/manifests"
        ;;
      *'get --raw'*) [[ -e $FAKE/api-up ]] ;;
      *'get node'*)
        if [[ ! -e $FAKE/node-known ]]; then echo 'Error from server (NotFound): nodes "n" not found' && exit 1; fi
        ;;
    esac
    ;;
  curl)
    if [[ $* == *healthz* ]]; then echo ok && exit; fi
    if [[ $* == */client/api && -e $FAKE/no-service ]]; then exit 7; fi
    printf 'HTTP/2 401\r\ndate: %s\r\n\r\n' "$(date -u -R -d "$(cat "$FAKE/skew" 2>/dev/null || echo 0) seconds" | sed 's/+0000/GMT/')"
    ;;
  kubelet) if [[ $1 == --version ]]; then echo "Kubernetes $own"; fi ;;
  *kubeadm) kubeadm "$@" ;;
esac
