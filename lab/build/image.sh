#!/usr/bin/env bash
# Makes one container image out of programs: an archive that `ctr images import` takes. No registry, no image builder.
# usage: image.sh OUT.tar REFERENCE ENTRYPOINT PROGRAM...      PROGRAM: FILE or FILE=/PATH/INSIDE (else /usr/local/bin/NAME)
# IMAGE_ROOT: a folder whose content goes below the programs.
set -euo pipefail

out=${1:?out} reference=${2:?reference} entrypoint=${3:?entrypoint}
shift 3
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{etc,tmp}
[[ -z ${IMAGE_ROOT:-} ]] || cp -a "$IMAGE_ROOT/." "$root/"
printf 'root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534::/:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nnobody:x:65534:\n' >"$root/etc/group"
for program; do
  file=${program%%=*}
  inside=/usr/local/bin/${file##*/}
  [[ $program != *=* ]] || inside=${program#*=}
  install -D -m 0755 "$file" "$root$inside"
done

digest() { sha256sum "$1" | cut -d' ' -f1; }

pack() { # FOLDER FILE NAME...: the same content is the same archive
  tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$2" "${@:3}"
}

pack "$root" "$work/layer.tar" .
layer=$(digest "$work/layer.tar")
mkdir -p "$work/archive/$layer"
mv "$work/layer.tar" "$work/archive/$layer/layer.tar"
cat >"$work/config.json" <<END
{"architecture":"$(dpkg --print-architecture)","os":"linux","created":"1970-01-01T00:00:00Z",
"config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"Entrypoint":["$entrypoint"],"WorkingDir":"/"},
"rootfs":{"type":"layers","diff_ids":["sha256:$layer"]},"history":[{"created":"1970-01-01T00:00:00Z"}]}
END
config=$(digest "$work/config.json")
mv "$work/config.json" "$work/archive/$config.json"
printf '[{"Config":"%s.json","RepoTags":["%s"],"Layers":["%s/layer.tar"]}]' "$config" "$reference" "$layer" >"$work/archive/manifest.json"
pack "$work/archive" "$work/image.tar" manifest.json "$config.json" "$layer/layer.tar"
mv "$work/image.tar" "$out"
