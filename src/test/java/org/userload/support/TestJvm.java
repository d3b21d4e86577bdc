package org.userload.support;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A JVM of its own for what could hang a JVM: it can be ended even when it no longer reaches a safepoint. */
public final class TestJvm {
    private TestJvm() {}

    /** How it ended. */
    public record Result(boolean ended, int exitCode, String output) {}

    /** Runs a main class of the test class path; ends it by force after {@code seconds}. */
    public static Result run(int seconds, Class<?> main, String... arguments) throws IOException, InterruptedException {
        return run(seconds, List.of(), main, arguments);
    }

    /** As {@link #run(int, Class, String...)}, in a JVM with these options. */
    public static Result run(int seconds, List<String> options, Class<?> main, String... arguments)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile("userload-test", ".out");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-Xmx256m", "-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(Arrays.asList(arguments));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(Redirect.to(output.toFile()))
                .start();
        try {
            boolean ended = process.waitFor(seconds, TimeUnit.SECONDS);
            process.destroyForcibly().waitFor();
            return new Result(ended, process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
        } finally {
            process.destroyForcibly();
            Files.deleteIfExists(output);
        }
    }
}
