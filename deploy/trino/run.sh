#!/bin/sh
# Becomes a Trino node: run.sh config|worker [-Dname=value …], in a folder whose `etc` is this project's trino/.
# Both ways of running the stack come through here, so that they differ in nothing. The launcher of the distribution is not
# used: it detaches from whoever looks after it. Secrets arrive in the environment, or as files under /run/secrets named
# like the variables.
set -eu
for file in /run/secrets/[A-Z]*; do
  if [ -f "$file" ]; then export "${file##*/}=$(cat "$file")"; fi
done
role=$1
shift
home=${TRINO_HOME:-/usr/lib/trino}
# shellcheck disable=SC2046 # an option a line, no spaces inside
exec "${JAVA:-${JAVA_HOME:-}/bin/java}" $(grep '^-' etc/jvm.config) "-Xmx${TRINO_HEAP:-2G}" -cp "$home/lib/*" \
  -Dnode.environment=lakehouse "-Dnode.id=${TRINO_NODE:-$(hostname)}" "-Dnode.data-dir=${TRINO_DATA:-/data/trino}" \
  "-Dconfig=etc/$role.properties" -Dcatalog.config-dir=etc/catalog -Dlog.levels-file=etc/log.properties \
  "-Dplugin.dir=$home/plugin" "$@" io.trino.server.TrinoServer
