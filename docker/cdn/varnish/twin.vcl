vcl 4.1;

# Two origins that know nothing of each other, with the same encoder behind both
# (docs/high-availability.md). What differs from default.vcl, which is included at the end: Varnish
# puts the parts of a subroutine one after the other, these first.
#
# Parameters, filled in by render.sh, besides those of default.vcl:
#   @ORIGIN_B_HOST@ @ORIGIN_B_PORT@   where the second origin listens; plain HTTP

import directors;
import std;

backend origin_b {
    .host = "@ORIGIN_B_HOST@";
    .port = "@ORIGIN_B_PORT@";
    # Shorter than for an only origin: there is another one to ask.
    .connect_timeout = 1s;
    .first_byte_timeout = 30s;
    .between_bytes_timeout = 30s;
    .probe = {
        .url = "/health/live";
        .interval = 1s;
        .timeout = 1s;
        .window = 3;
        .threshold = 2;
        .initial = 2;
    }
}

sub vcl_init {
    # Sticky: an origin that comes back is not gone back to before the other one fails. It starts
    # without objects, and its numbers may have run away from the other's.
    new twins = directors.fallback(sticky = true);
    twins.add_backend(origin);
    twins.add_backend(origin_b);
}

sub vcl_recv {
    set req.backend_hint = twins.backend();
}

sub vcl_backend_fetch {
    if (bereq.retries == 0) {
        # Which one it is has to be known, so that the other one can be asked.
        set bereq.backend = bereq.backend.resolve();
        if (bereq.backend == origin) {
            set bereq.connect_timeout = 1s;
        }
    }
}

sub vcl_backend_response {
    # A stale playlist is a 404, too (staleAfterTargetDurations); so is a segment that reached one
    # origin alone.
    if (bereq.retries == 0 && (beresp.status >= 500 || (bereq.http.X-Behaviour ~ "^(?:segment|playlist|other)$" && (beresp.status == 404 || beresp.status == 410)))) {
        if (bereq.backend == origin) {
            if (std.healthy(origin_b)) {
                set bereq.backend = origin_b;
                return (retry);
            }
        } elsif (std.healthy(origin)) {
            set bereq.backend = origin;
            return (retry);
        }
    }
}

sub vcl_backend_error {
    # Refused or silent: the probe has not seen it yet.
    if (bereq.retries == 0) {
        if (bereq.backend == origin) {
            set bereq.backend = origin_b;
        } else {
            set bereq.backend = origin;
        }
        return (retry);
    }
}

include "./default.vcl";
