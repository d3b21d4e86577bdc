package org.userload.benchmark;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.userload.transport.Endpoint;

/** A {@link BenchmarkSource} in a JVM of its own. Closing it ends that JVM. */
final class SourceProcess implements AutoCloseable {
    private final Process process;
    private final Endpoint endpoint;

    private SourceProcess(Process process, Endpoint endpoint) {
        this.process = process;
        this.endpoint = endpoint;
    }

    /**
     * Starts it and waits until it serves.
     *
     * @param cpu the CPU to keep it on, or -1 for any
     * @param more further arguments of {@link BenchmarkSource}
     */
    static SourceProcess start(BenchmarkSource.Content content, long pages, int cpu, String... more)
            throws IOException {
        List<String> command = JvmCommand.of(cpu, BenchmarkSource.class, content.name(), Long.toString(pages));
        command.addAll(List.of(more));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
        String address = output.readLine();
        if (address == null) {
            throw new IOException("the source process ended at its start");
        }
        return new SourceProcess(process, Endpoint.parse(address));
    }

    Endpoint endpoint() {
        return endpoint;
    }

    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
        }
    }
}
