package org.userload.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs that run their trace more than once. */
class ProgramTest {
    private static final List<TestTraces.Entry> EXAMPLE = List.of(
            new TestTraces.Entry(Operation.READ, 0x401000, 8),
            new TestTraces.Entry(Operation.WRITE, 0x7ffe, 4),
            new TestTraces.Entry(Operation.FETCH, 0x401004, 3),
            new TestTraces.Entry(Operation.MODIFY, 0x7fff, 9),
            new TestTraces.Entry(Operation.READ, 0x401ffd, 3));

    private static List<TestTraces.Entry> repeated(List<TestTraces.Entry> entries, int times) {
        List<TestTraces.Entry> all = new ArrayList<>();
        for (int i = 0; i < times; i++) {
            all.addAll(entries);
        }
        return all;
    }

    @ParameterizedTest
    @CsvSource({"1, 30000", "3, 20000", "5, 8188", "40, 100", "20, 8000"})
    void loops_areTheTraceWrittenOutAsOften(int loops, int accesses) throws IOException {
        long seed = TestTraces.seed("loops");
        List<TestTraces.Entry> entries = TestTraces.random(new Random(seed), accesses);
        ReferenceReplay reference = new ReferenceReplay(repeated(entries, loops), seed);
        Trace trace = TestTraces.load(entries);
        Program program = new Program(trace, loops, seed);
        ArrayMemory memory = ReplayTest.filled(trace, seed);
        Replay replay = new Replay(program, memory);
        assertThat(program.accessCount()).isEqualTo((long) loops * entries.size());
        assertThat(replay.runTo(program.accessCount())).isEqualTo(program.accessCount());
        assertThat(replay.checksum()).isEqualTo(reference.checksum);
        assertThat(memory.bytes).isEqualTo(reference.memory);
    }

    @Test
    void loops_stoppedAndRestoredAnywhere_giveTheSameResult_andCountWhatWasDoneHere() throws IOException {
        long seed = TestTraces.seed("stopped loops");
        Random random = new Random(seed);
        Trace trace = TestTraces.load(TestTraces.random(random, 10_000));
        Program program = new Program(trace, 4, seed);
        ArrayMemory whole = ReplayTest.filled(trace, seed);
        Replay uninterrupted = new Replay(program, whole);
        uninterrupted.runTo(program.accessCount());
        assertThat(uninterrupted.accessesHere()).isEqualTo(program.accessCount());
        ArrayMemory memory = ReplayTest.filled(trace, seed);
        Replay replay = new Replay(program, memory);
        long made = 0;
        while (!replay.isFinished()) {
            long before = replay.position();
            assertThat(replay.accessesHere()).isZero();
            replay.runTo(Math.min(program.accessCount(), before + random.nextInt(9_000)));
            assertThat(replay.accessesHere()).isEqualTo(replay.position() - before);
            made += replay.accessesHere();
            CpuState state = CpuState.fromBytes(replay.state().toBytes());
            replay = new Replay(program, memory);
            replay.restore(state);
        }
        assertThat(made).isEqualTo(program.accessCount());
        assertThat(replay.checksum()).isEqualTo(uninterrupted.checksum());
        assertThat(memory.bytes).isEqualTo(whole.bytes);
    }

    /** The numbers of the worked example in docs/replay.md. */
    @Test
    void workedExample_inThreeLoops_givesTheNumbersOfTheDocumentation() throws IOException {
        Trace trace = TestTraces.load(EXAMPLE);
        Program program = new Program(trace, 3, 42);
        ArrayMemory memory = ReplayTest.filled(trace, 42);
        Replay replay = new Replay(program, memory);
        replay.runTo(program.accessCount());
        assertThat(replay.checksum()).isEqualTo(0x4aedbb7bedf3562cL);
        assertThat(SeededMemory.checksum(memory)).isEqualTo(0x1422e1c281854d5eL);
        assertThat(trace.fingerprint()).isEqualTo(0xb043396579dc029bL);
        assertThat(program.fingerprint()).isEqualTo(0x9d2777932f45f5c5L);
    }

    @Test
    void cpuStateOfAnotherLoopCount_isRefused_namingTheDifference() throws IOException {
        Trace trace = TestTraces.load(EXAMPLE);
        Program once = Program.once(trace, 1);
        Program twice = new Program(trace, 2, 1);
        Program thrice = new Program(trace, 3, 1);
        assertThat(once.fingerprint()).isEqualTo(trace.fingerprint());
        Replay replay = new Replay(twice, ReplayTest.filled(trace, 1));
        assertThatThrownBy(() -> replay.restore(CpuState.first(once)))
                .isInstanceOf(CpuStateException.class)
                .hasMessageContaining("one loop of this trace")
                .hasMessageContaining("2 loops of test trace");
        assertThatThrownBy(() -> replay.restore(CpuState.first(thrice)))
                .isInstanceOf(CpuStateException.class)
                .hasMessageContaining("another number of loops");
        replay.restore(CpuState.first(twice));
        Replay single = new Replay(once, ReplayTest.filled(trace, 1));
        assertThatThrownBy(() -> single.restore(CpuState.first(twice))).isInstanceOf(CpuStateException.class);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MAX_VALUE, Long.MAX_VALUE / 5 + 1})
    void loopsThatCannotBeCounted_areRefused(long loops) throws IOException {
        Trace trace = TestTraces.load(EXAMPLE);
        assertThatThrownBy(() -> new Program(trace, loops, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(loops + " loops");
    }

    @Test
    void positionsNearTheEndOfTheLargestProgram_areReached() throws IOException {
        Trace trace = TestTraces.load(EXAMPLE);
        Program program = new Program(trace, Long.MAX_VALUE / 5, 1);
        Replay replay = new Replay(program, ReplayTest.filled(trace, 1));
        replay.restore(new CpuState(program.fingerprint(), 1, program.accessCount() - 7, 0));
        assertThat(replay.runTo(program.accessCount())).isEqualTo(program.accessCount());
        assertThat(replay.isFinished()).isTrue();
        assertThat(replay.accessesHere()).isEqualTo(7);
    }
}
