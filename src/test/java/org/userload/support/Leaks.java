package org.userload.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What this process holds of sockets, loops and threads; a test that uses it must run alone. */
public final class Leaks {
    private final List<String> descriptors;
    private final Set<String> threads;

    private Leaks(List<String> descriptors, Set<String> threads) {
        this.descriptors = descriptors;
        this.threads = threads;
    }

    public static Leaks snapshot() {
        return new Leaks(descriptors(), threads());
    }

    /** Waits a little for what is just ending; then there must be no more than there was. */
    public void assertNothingNew() throws InterruptedException {
        long end = System.nanoTime() + 5_000_000_000L;
        while (descriptors().size() > descriptors.size() || !threads.containsAll(threads())) {
            if (System.nanoTime() > end) {
                List<String> more = descriptors();
                descriptors.forEach(more::remove);
                throw new AssertionError("left behind: descriptors " + more + " " + connections(more) + ", threads "
                        + threads() + "; before: threads " + threads);
            }
            Thread.sleep(10);
        }
    }

    /** What the kernel says of these sockets: addresses, ports and state. */
    private static List<String> connections(List<String> sockets) {
        List<String> found = new ArrayList<>();
        for (String table : List.of("/proc/net/tcp", "/proc/net/tcp6", "/proc/net/unix")) {
            try (Stream<String> lines = Files.lines(Path.of(table))) {
                lines.filter(line -> sockets.stream()
                                .anyMatch(socket -> line.contains(" " + socket.replaceAll("\\D", "") + " ")))
                        .forEach(found::add);
            } catch (IOException e) {
                found.add(e.toString());
            }
        }
        return found;
    }

    private static List<String> descriptors() {
        List<String> open = new ArrayList<>();
        try (Stream<Path> entries = Files.list(Path.of("/proc/self/fd"))) {
            for (Path entry : entries.toList()) {
                try {
                    String target = Files.readSymbolicLink(entry).toString();
                    if (target.startsWith("socket:") || target.startsWith("anon_inode:")) {
                        open.add(target);
                    }
                } catch (IOException e) {
                    // Closed meanwhile.
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return open;
    }

    private static Set<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("userload-"))
                .map(thread -> thread.getName() + "#" + thread.getId())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Whether this process still has a mapping that covers a range of addresses. */
    public static boolean isMapped(long address, long length) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            String[] range = line.substring(0, line.indexOf(' ')).split("-", 2);
            if (Long.parseUnsignedLong(range[0], 16) <= address
                    && Long.parseUnsignedLong(range[1], 16) >= address + length) {
                return true;
            }
        }
        return false;
    }
}
