package org.userload.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.support.Threads;
import org.userload.support.UserloadProcess;

/** The C side as a C programmer has it: its tests, also under sanitizers; installed; and a program against a Java source. */
@Timeout(600)
class NativeClientIT {
    private static final int PAGE = 4096;
    private static final int PAGES = 6000;
    private static final int LIMIT_SECONDS = 540;

    @TempDir
    private Path directory;

    private record Ended(int exitCode, String output) {}

    private Ended run(String... command) throws Exception {
        Path output = Files.createTempFile(directory, "run", ".out");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS))
                    .as(Files.readString(output))
                    .isTrue();
            return new Ended(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"check", "sanitize", "threads"})
    void testsOfTheCCode_pass(String goal) throws Exception {
        Ended tests = run("make", "-s", "-C", "native-shims/test", goal, "BUILD=" + directory.resolve("build"));
        System.out.println(tests.output);
        assertThat(tests.exitCode).as(tests.output).isZero();
        assertThat(tests.output).containsAnyOf("touch_delivers_any_signal", "does not run here");
    }

    private Path image() throws IOException {
        Path image = directory.resolve("image.raw");
        SplittableRandom random = new SplittableRandom(5);
        byte[] page = new byte[PAGE];
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength((long) PAGES * PAGE);
            for (int i = 0; i < PAGES; i++) {
                if (i % 4 != 0) {
                    random.nextBytes(page);
                    file.seek((long) i * PAGE);
                    file.write(page);
                }
            }
        }
        return image;
    }

    private static long sumOf(Path image) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(image)).order(ByteOrder.LITTLE_ENDIAN);
        long sum = 0;
        for (int i = 0; i < bytes.capacity() / Long.BYTES; i++) {
            sum += bytes.getLong(i * Long.BYTES) * (2L * i + 1);
        }
        return sum;
    }

    /** As the manual says: install, compile with the header, link with the library. */
    private Path installedExample() throws Exception {
        Path prefix = directory.resolve("usr");
        Ended installed = run("sh", "native-shims/install.sh", prefix.toString());
        assertThat(installed.exitCode).as(installed.output).isZero();
        assertThat(prefix.resolve("share/man/man3/userload.3")).isNotEmptyFile();
        Path program = directory.resolve("page_sum");
        Ended compiled = run(
                "cc",
                "-std=c11",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-I" + prefix.resolve("include"),
                "-o",
                program.toString(),
                "native-shims/example/page_sum.c",
                "-L" + prefix.resolve("lib"),
                "-luserload",
                "-Wl,-rpath," + prefix.resolve("lib"),
                "-pthread");
        assertThat(compiled.exitCode).as(compiled.output).isZero();
        return program;
    }

    @ParameterizedTest
    @CsvSource({"tcp, 1", "tcp, 12", "unix, 4"})
    void exampleProgram_readsTheWholeImage_fromAJavaSource(String socket, String threads) throws Exception {
        Path image = image();
        Path program = installedExample();
        Path unix = directory.resolve("source.sock");
        String listen = "tcp".equals(socket) ? "127.0.0.1:0" : "unix:" + unix;
        try (UserloadProcess server =
                UserloadProcess.start("serve", "--image=" + image, "--listen=" + listen, "--once")) {
            Ended ended = run(program.toString(), addressOf(server), threads);
            assertThat(ended.exitCode).as(ended.output).isZero();
            assertThat(ended.output)
                    .contains("bytes " + (long) PAGES * PAGE + "\n", String.format("sum %016x\n", sumOf(image)));
            UserloadProcess.Result served = server.await();
            assertThat(served.out()).contains("is complete");
        }
    }

    private static String addressOf(UserloadProcess server) throws Exception {
        StringBuilder address = new StringBuilder();
        Threads.await("the source's address", 60, () -> {
            try {
                server.out()
                        .lines()
                        .filter(line -> line.contains(" on "))
                        .findFirst()
                        .ifPresent(line -> {
                            String rest = line.substring(line.indexOf(" on ") + " on ".length());
                            address.setLength(0);
                            address.append(rest.lines().findFirst().orElse(""));
                        });
                return address.length() > 0;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        String text = address.toString();
        int end = text.indexOf(' ');
        return (end < 0 ? text : text.substring(0, end)).replaceAll("[,;.]$", "");
    }

    @Test
    void installWithoutAPrefix_saysHowItIsUsed() throws Exception {
        Ended ended = run("sh", "native-shims/install.sh");
        assertThat(ended.exitCode).isEqualTo(2);
        assertThat(ended.output).contains("PREFIX");
    }

    @Test
    void exampleProgram_saysWhyItCannotOpen() throws Exception {
        Ended ended = run(installedExample().toString(), "127.0.0.1:1");
        assertThat(ended.exitCode).isEqualTo(1);
        assertThat(ended.output).contains("127.0.0.1:1", "Connection refused");
    }
}
