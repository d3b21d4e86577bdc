package org.userload.cli;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.userload.report.comparison.ComparedMode;
import org.userload.report.comparison.Run;

/**
 * Runs {@code replay} again and again, each time in new processes, so that every run is equally cold. {@link #close}, or
 * the end of this process, ends the run under way and leaves no file; a run also ends with this process when that is
 * killed.
 *
 * <p>One thread makes the runs; the shutdown hook {@code userload-compare-end} may end one meanwhile.
 */
final class ReplayRuns implements AutoCloseable {
    private static final int END_SECONDS = 5;
    private static final String RESULT = "result.json";
    private static final String MESSAGES = "messages";

    private final List<String> options;
    private final List<String> unmovedOptions;
    private final Path directory;
    private final Thread endWithUs = new Thread(this::end, "userload-compare-end");

    /** Guarded by this. */
    private @Nullable Process current;

    /** Guarded by this. */
    private boolean ended;

    /**
     * @param options of every run that moves
     * @param unmovedOptions of every run that does not
     */
    ReplayRuns(List<String> options, List<String> unmovedOptions) throws IOException {
        this.options = List.copyOf(options);
        this.unmovedOptions = List.copyOf(unmovedOptions);
        this.directory = Files.createTempDirectory("userload-compare");
        Runtime.getRuntime().addShutdownHook(endWithUs);
    }

    /**
     * How a run ended.
     *
     * @param wrongUsage whether replay refused its options; no other run would go better
     * @param messages what it said, without a line break at the end
     */
    record Outcome(Run run, boolean wrongUsage, String messages) {}

    /** Makes a run. A failed run is an outcome, not an exception. */
    Outcome run(ComparedMode mode, int turn) throws IOException, InterruptedException {
        Path json = directory.resolve(RESULT);
        Path messages = directory.resolve(MESSAGES);
        Files.deleteIfExists(json);
        Process process = start(mode, json, messages);
        int exitCode = process.waitFor();
        synchronized (this) {
            current = null;
        }
        String said = new String(Files.readAllBytes(messages), StandardCharsets.UTF_8).strip();
        return new Outcome(result(mode, turn, json, exitCode, said), exitCode == 2, said);
    }

    private static Run result(ComparedMode mode, int turn, Path json, int exitCode, String said) {
        if (Files.exists(json)) {
            try {
                return Run.of(mode, turn, json);
            } catch (IOException e) {
                return Run.failed(mode, turn, "its result cannot be read: " + Problems.describe(e));
            }
        }
        return Run.failed(mode, turn, said.isEmpty() ? "ended with exit code " + exitCode : said);
    }

    private synchronized Process start(ComparedMode mode, Path json, Path messages) throws IOException {
        if (ended) {
            throw new IOException("the comparison was ended");
        }
        List<String> command;
        if (mode == ComparedMode.NONE) {
            command = OwnJvm.command(ReplayUnmovedCommand.NAME);
            command.addAll(unmovedOptions);
        } else {
            command = OwnJvm.command("replay");
            command.addAll(options);
            command.addAll(List.of("--mode=" + mode, "--no-progress", "--end-with-parent"));
        }
        command.add("--json=" + json);
        Process process = new ProcessBuilder(command)
                .redirectOutput(Redirect.DISCARD)
                .redirectError(messages.toFile())
                .start();
        current = process;
        return process;
    }

    /** Asks the run under way to end, which ends its own processes, then insists. */
    private synchronized void end() {
        ended = true;
        Process process = current;
        if (process != null) {
            process.destroy();
            try {
                if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                    process.destroyForcibly().waitFor(END_SECONDS, TimeUnit.SECONDS);
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }
        try {
            Files.deleteIfExists(directory.resolve(RESULT));
            Files.deleteIfExists(directory.resolve(MESSAGES));
            Files.deleteIfExists(directory);
        } catch (IOException e) {
            System.err.println("userload: cannot delete " + directory + ": " + e.getMessage());
        }
    }

    @Override
    public void close() {
        end();
        try {
            Runtime.getRuntime().removeShutdownHook(endWithUs);
        } catch (IllegalStateException e) {
            // Already shutting down; the hook does no harm.
        }
    }
}
