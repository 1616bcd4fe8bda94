#!/bin/sh
# Serves one of these examples on loopback, with mock origins in place of its servers,
# until it is interrupted:
#
#	examples/operators/try.sh wordpress            with the engine of bench
#	examples/operators/try.sh wordpress haproxy    with the HAProxy that is installed
#
# LOCAL is the address to use (127.0.0.1), BENCH the program (bin/bench).
here=$(cd "$(dirname "$0")" && pwd)
name=$1
bench=${BENCH:-$here/../../bin/bench}
export LOCAL="${LOCAL:-127.0.0.1}"
if [ ! -f "$here/$name/haproxy.cfg" ]; then
	echo "usage: $0 NAME [haproxy], where NAME is one of:" $(cd "$here" && ls -d */ | tr -d /) >&2
	exit 2
fi
work=$(mktemp -d) || exit 1
started=
leave() {
	kill $started 2> /dev/null
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 0' INT TERM

# The ingress needs certificates: they are made for the occasion.
if [ "$name" = ingress ] && [ -z "$CERTS" ]; then
	export CERTS="$work/certs"
	mkdir "$CERTS"
	for host in site-001.example site-003.example; do
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$host" \
			-addext "subjectAltName=DNS:$host" -keyout "$work/key" -out "$work/crt" 2> /dev/null || exit 1
		cat "$work/key" "$work/crt" > "$CERTS/$host.pem"
	done
fi

while read -r origin; do
	"$bench" backend $(echo "$origin" | sed "s/LOCAL/$LOCAL/g") > /dev/null &
	started="$started $!"
done < "$here/$name/origins"
sleep 1 # so that the origins are there when the proxy first looks
if [ "$2" = haproxy ]; then
	haproxy -db -f "$here/$name" &
else
	"$bench" proxy -db -f "$here/$name" &
fi
started="$started $!"
wait $!
