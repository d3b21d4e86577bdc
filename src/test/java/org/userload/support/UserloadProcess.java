package org.userload.support;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** The executable jar as a process of its own. Closing ends it and its children. */
public final class UserloadProcess implements AutoCloseable {
    private static final int LIMIT_SECONDS = 120;

    private final Process process;
    private final Path out;
    private final Path err;

    /** What a finished run left. */
    public record Result(int exitCode, String out, String err) {}

    private UserloadProcess(Process process, Path out, Path err) {
        this.process = process;
        this.out = out;
        this.err = err;
    }

    /** Runs to the end. */
    public static Result run(String... arguments) throws IOException, InterruptedException {
        return runWith(List.of(), arguments);
    }

    /** Runs to the end, with a command in front of {@code java}. */
    public static Result runWith(List<String> prefix, String... arguments) throws IOException, InterruptedException {
        try (UserloadProcess userload = startWith(prefix, List.of(), arguments)) {
            return userload.await();
        }
    }

    /** Runs to the end, in a JVM with these options. */
    public static Result runInJvm(List<String> options, String... arguments) throws IOException, InterruptedException {
        try (UserloadProcess userload = startInJvm(options, arguments)) {
            return userload.await();
        }
    }

    public static UserloadProcess start(String... arguments) throws IOException {
        return startWith(List.of(), List.of(), arguments);
    }

    /** Starts in a JVM with these options. */
    public static UserloadProcess startInJvm(List<String> options, String... arguments) throws IOException {
        return startWith(List.of(), options, arguments);
    }

    private static UserloadProcess startWith(List<String> prefix, List<String> options, String... arguments)
            throws IOException {
        List<String> command = new ArrayList<>(prefix);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-jar", jar().toString()));
        command.addAll(Arrays.asList(arguments));
        Path out = Files.createTempFile("userload-test", ".out");
        Path err = Files.createTempFile("userload-test", ".err");
        Process process = new ProcessBuilder(command)
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        process.getOutputStream().close();
        return new UserloadProcess(process, out, err);
    }

    private static Path jar() {
        Path jar = Path.of(System.getProperty("userload.jar", "target/userload.jar"));
        if (!Files.exists(jar)) {
            throw new IllegalStateException("no " + jar + "; run mvn package first");
        }
        return jar.toAbsolutePath();
    }

    public Result await() throws IOException, InterruptedException {
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("still running after " + LIMIT_SECONDS + " s; output so far:\n" + out() + err());
        }
        return new Result(process.exitValue(), out(), err());
    }

    /** Waits until something is so, and fails when the process ends before. */
    public void awaitUntil(BooleanSupplier condition) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline || !process.isAlive()) {
                throw new AssertionError("it did not come to that; output:\n" + out() + err());
            }
            Thread.sleep(5);
        }
    }

    public String out() throws IOException {
        return Files.readString(out, StandardCharsets.UTF_8);
    }

    public String err() throws IOException {
        return Files.readString(err, StandardCharsets.UTF_8);
    }

    public ProcessHandle handle() {
        return process.toHandle();
    }

    /** The source process of a replay, once it has been started. */
    public ProcessHandle child() throws IOException, InterruptedException {
        awaitUntil(() -> process.children().findAny().isPresent());
        return process.children().findAny().orElseThrow();
    }

    @Override
    public void close() throws IOException {
        List<ProcessHandle> children = process.descendants().toList();
        process.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
        Files.deleteIfExists(out);
        Files.deleteIfExists(err);
    }
}
