package org.userload.benchmark;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.userload.migration.MigrationMode;
import org.userload.report.JsonLine;
import org.userload.transport.Endpoint;

/** A {@link MigratingSource} in a JVM of its own. Closing it ends that JVM. One thread. */
final class MigratingProcess implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final PrintStream commands;

    private MigratingProcess(Process process) {
        this.process = process;
        this.answers = process.inputReader(StandardCharsets.UTF_8);
        this.commands = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
    }

    /**
     * Starts it.
     *
     * @param link the link that it shapes, or {@code none}
     */
    static MigratingProcess start(long pages, long workingSetPages, long writesPerSecond, String link)
            throws IOException {
        return new MigratingProcess(new ProcessBuilder(JvmCommand.of(
                        -1,
                        MigratingSource.class,
                        Long.toString(pages),
                        Long.toString(workingSetPages),
                        Long.toString(writesPerSecond),
                        link))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start());
    }

    /** Has a guest run there; it can be connected to. */
    Endpoint offer(MigrationMode mode) throws IOException {
        commands.println(mode);
        return Endpoint.parse(answer());
    }

    /** Has the guest moved. A destination must have connected. */
    void migrate() {
        commands.println("migrate");
    }

    /** Waits until the destination has every page. */
    MigratingSource.Story awaitStory() throws IOException {
        return JsonLine.parse(answer(), MigratingSource.Story.class);
    }

    private String answer() throws IOException {
        String line = answers.readLine();
        if (line == null) {
            throw new IOException("the source process has ended");
        }
        return line;
    }

    @Override
    public void close() {
        commands.close();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
        }
    }
}
