# A static binary in an image with nothing else in it:
#
#   docker build -t bench .
#   docker run --rm -v "$PWD/results:/bench/results" bench run zero-downtime-reload
#
# Networks of a run need more rights: --cap-add NET_ADMIN --cap-add SYS_ADMIN, and
# --security-opt seccomp=unconfined for user namespaces and io_uring.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /bench ./cmd/bench

FROM scratch
COPY --from=build /bench /usr/local/bin/bench
COPY LICENSE /LICENSE
# Sockets and configurations of runs are files in here.
WORKDIR /tmp
WORKDIR /bench
ENV PATH=/usr/local/bin
ENTRYPOINT ["/usr/local/bin/bench"]
