package org.userload.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.userload.report.JsonLine;
import org.userload.transport.Endpoint;

/**
 * The source of a replay as a JVM of its own. {@link #close} ends it; so does the end of this process, since it reads
 * this process's side of its standard input.
 */
final class SourceProcess implements AutoCloseable {
    private final Process process;
    private final BufferedReader lines;
    private final Endpoint endpoint;
    private final Thread endWithUs;

    private SourceProcess(Process process, BufferedReader lines, Endpoint endpoint, Thread endWithUs) {
        this.process = process;
        this.lines = lines;
        this.endpoint = endpoint;
        this.endWithUs = endWithUs;
    }

    /**
     * Starts it and waits until it can be connected to.
     *
     * @throws IOException when it ends before; its own error has been printed by then
     */
    static SourceProcess start(List<String> arguments) throws IOException {
        List<String> command = OwnJvm.command("replay-source");
        command.addAll(arguments);
        Process process =
                new ProcessBuilder(command).redirectError(Redirect.INHERIT).start();
        Thread endWithUs = new Thread(process::destroyForcibly, "userload-source-end");
        Runtime.getRuntime().addShutdownHook(endWithUs);
        try {
            BufferedReader lines = process.inputReader(StandardCharsets.UTF_8);
            return new SourceProcess(process, lines, awaitReady(lines), endWithUs);
        } catch (IOException | RuntimeException e) {
            end(process, endWithUs);
            throw e;
        }
    }

    private static Endpoint awaitReady(BufferedReader lines) throws IOException {
        String line = lines.readLine();
        if (line == null || !line.startsWith(ReplaySourceCommand.READY)) {
            throw new IOException("the source process ended before the guest could move");
        }
        return Endpoint.parse(line.substring(ReplaySourceCommand.READY.length()));
    }

    /**
     * Waits for its account of a guest that has moved.
     *
     * @throws IOException when it ends without one
     */
    SourceStory awaitStory() throws IOException {
        return JsonLine.parse(awaitLine(ReplaySourceCommand.MOVED), SourceStory.class);
    }

    /** Waits for its account of a guest that has not moved, and runs there to its end. */
    SourceStory.Stayed awaitStayed() throws IOException {
        return JsonLine.parse(awaitLine(ReplaySourceCommand.STAYED), SourceStory.Stayed.class);
    }

    private String awaitLine(String begin) throws IOException {
        String line = lines.readLine();
        if (line == null || !line.startsWith(begin)) {
            throw new IOException("the source process ended without telling what became of the guest");
        }
        return line.substring(begin.length());
    }

    Endpoint endpoint() {
        return endpoint;
    }

    long pid() {
        return process.pid();
    }

    private static void end(Process process, Thread endWithUs) {
        process.destroyForcibly();
        try {
            process.waitFor(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        try {
            Runtime.getRuntime().removeShutdownHook(endWithUs);
        } catch (IllegalStateException e) {
            // Already shutting down; the hook does no harm.
        }
    }

    @Override
    public void close() {
        end(process, endWithUs);
    }
}
