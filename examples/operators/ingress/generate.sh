#!/bin/sh
# Writes the backends of COUNT sites (300 unless said) and the map of their hosts.
cd "$(dirname "$0")" || exit 1
count=${1:-300}
{
	echo "# Written by generate.sh."
	i=1
	while [ "$i" -le "$count" ]; do
		n=$(printf %03d "$i")
		printf 'backend site-%s\n    http-response set-header X-Site %s\n' "$n" "$n"
		printf '    server a "${LOCAL-127.0.0.1}:940%d" maxconn 20\n' $((i % 4 + 1))
		printf '    server b "${LOCAL-127.0.0.1}:940%d" maxconn 20 backup\n' $(((i + 1) % 4 + 1))
		i=$((i + 1))
	done
} > sites.cfg
{
	printf '# host\tbackend\n'
	i=1
	while [ "$i" -le "$count" ]; do
		n=$(printf %03d "$i")
		printf 'site-%s.example\tsite-%s\nwww.site-%s.example\tsite-%s\n' "$n" "$n" "$n" "$n"
		i=$((i + 1))
	done
} > hosts.map
