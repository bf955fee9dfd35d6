# A real S3 server for the tests of object storage, built once with Go from its module. Sourced, with $root set.
# Without Go nothing is installed, and those tests report themselves skipped with the reason.

s3_server_version=1.8.0
s3_server_home="${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/flowforge/versitygw/$s3_server_version"

ensure_s3_server() {
  if [ -x "$s3_server_home/versitygw" ]; then return; fi
  if ! go_is_new_enough; then
    say s3 "there is no Go 1.21 or newer: the tests with a real S3 server are skipped"
    return
  fi
  local temporary
  say s3 "building an S3 server for the tests (a minute, once)"
  mkdir -p "$(dirname "$s3_server_home")"
  temporary=$(mktemp -d "$s3_server_home.XXXXXX")
  if ! GOBIN="$temporary" logged s3-server go install -ldflags='-s -w' "github.com/versity/versitygw/cmd/versitygw@v$s3_server_version"; then
    rm -rf "$temporary"
    say s3 "it could not be built: the tests with a real S3 server are skipped"
    return
  fi
  # When another checkout was faster, what is there is as good.
  mv -T "$temporary" "$s3_server_home" 2>/dev/null || rm -rf "$temporary"
}

# From 1.21 on Go fetches by itself the version that a module asks for.
go_is_new_enough() {
  local version major minor
  version=$(go env GOVERSION 2>/dev/null) || return 1
  IFS=. read -r major minor _ <<<"${version#go}"
  [ "$major" -gt 1 ] || [ "${minor%%[!0-9]*}" -ge 21 ]
}
