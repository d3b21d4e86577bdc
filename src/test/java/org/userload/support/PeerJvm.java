package org.userload.support;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/**
 * A main class of the test class path as a process of its own, that says by lines on its output how far it is, and can be
 * killed there. It should end when its standard input does; see {@link #endWithParent}.
 */
public final class PeerJvm implements AutoCloseable {
    private static final int LIMIT_SECONDS = 60;

    private final Process process;
    private final List<String> lines = new CopyOnWriteArrayList<>();

    private PeerJvm(Process process) {
        this.process = process;
        BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
        Thread reader = new Thread(() -> output.lines().forEach(lines::add), "peer-output");
        reader.setDaemon(true);
        reader.start();
    }

    public static PeerJvm start(Class<?> main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xmx128m", "-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(Arrays.asList(arguments));
        return new PeerJvm(
                new ProcessBuilder(command).redirectError(Redirect.INHERIT).start());
    }

    /** For the peer's main class: a test that is gone leaves no process behind. */
    public static void endWithParent() {
        Threads.start(() -> {
            while (System.in.read() >= 0) {
                // The parent says nothing; the end of the input is its end.
            }
            Runtime.getRuntime().halt(1);
            return null;
        });
    }

    /** What follows {@code start} in the first line that begins so; waits for it. */
    public String awaitLine(String start) throws InterruptedException {
        Threads.await("a line '" + start + "'", LIMIT_SECONDS, () -> has(start) || !process.isAlive());
        return lines.stream()
                .filter(line -> line.startsWith(start))
                .findFirst()
                .orElseThrow(() -> new AssertionError("the peer ended without '" + start + "', but with " + lines))
                .substring(start.length());
    }

    /** Whether it has said so. */
    public boolean has(String start) {
        return lines.stream().anyMatch(line -> line.startsWith(start));
    }

    /** SIGKILL; it is gone when this returns. */
    public void kill() throws InterruptedException {
        if (!process.isAlive()) {
            throw new AssertionError("the peer has ended by itself, after " + lines);
        }
        process.destroyForcibly();
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("the peer survives SIGKILL");
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
