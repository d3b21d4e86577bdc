package org.userload.transport;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;

/**
 * Where a source listens: {@code HOST:PORT}, {@code [IPV6]:PORT} or {@code unix:PATH}. Port 0 means any free port.
 */
public sealed interface Endpoint {
    /** A TCP address; the host is looked up when it is used. */
    record Tcp(String host, int port) implements Endpoint {
        @Override
        public String toString() {
            return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
        }
    }

    /** A Unix domain socket. */
    record Unix(Path path) implements Endpoint {
        @Override
        public String toString() {
            return "unix:" + path;
        }
    }

    /**
     * Reads an address.
     *
     * @throws IllegalArgumentException with a message that shows the right form
     */
    static Endpoint parse(String text) {
        if (text.startsWith("unix:")) {
            String path = text.substring("unix:".length());
            if (path.isEmpty() || path.length() > 107) {
                throw wrong(text, "a Unix socket path has 1 to 107 characters");
            }
            return new Unix(Path.of(path));
        }
        int colon = text.lastIndexOf(':');
        if (colon < 1) {
            throw wrong(text, "there is no port");
        }
        String host = text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        } else if (host.indexOf(':') >= 0) {
            throw wrong(text, "an IPv6 address goes in brackets");
        }
        int port;
        try {
            port = Integer.parseInt(text.substring(colon + 1));
        } catch (NumberFormatException e) {
            throw wrong(text, "the port is not a number");
        }
        if (port < 0 || port > 65535) {
            throw wrong(text, "a port is 0 to 65535");
        }
        return new Tcp(host, port);
    }

    private static IllegalArgumentException wrong(String text, String why) {
        return new IllegalArgumentException("'" + text + "' is not an address: " + why
                + "; write HOST:PORT, [IPV6]:PORT or unix:PATH, for example 127.0.0.1:7070");
    }

    /** The endpoint of a bound server socket. */
    static Endpoint of(SocketAddress bound, Endpoint asked) {
        if (bound instanceof InetSocketAddress inet && asked instanceof Tcp tcp) {
            return new Tcp(tcp.host, inet.getPort());
        }
        return asked;
    }
}
