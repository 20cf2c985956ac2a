import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.MultiItem;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.ExponentialBackoffRetry;

/**
 * Measures Curator's DistributedQueue on the ensemble of PEERS_SERVER, below the znode PEERS_BELOW:
 * for the suite queue if PEERS_PART is queue, otherwise for the suite peers. It prints one line of
 * JSON for each figure. README.md has the settings.
 */
public class CuratorQueue {
    static final int CONSUMERS = 8; // of the suite peers
    static final int PATIENCE = 60; // seconds for one state
    static final int WARM_UP = 5; // of the items one at a time, these do not count
    static final int FIRST = 100; // of the suite queue, so many items of each kind come first, because the JVM compiles meanwhile
    static final int EACH_PUT = 100; // items of one putMulti

    static final QueueSerializer<String> SERIALIZER = new QueueSerializer<>() {
        @Override public byte[] serialize(String item) { return item.getBytes(); }
        @Override public String deserialize(byte[] bytes) { return new String(bytes); }
    };

    static final QueueConsumer<String> NOTHING = new QueueConsumer<>() {
        @Override public void consumeMessage(String item) { }
        @Override public void stateChanged(CuratorFramework client, ConnectionState state) { }
    };

    static int number(String name) { return Integer.parseInt(System.getenv("PEERS_" + name)); }

    /** The name of Curator's library that has the version in it. Debian has it under two names. */
    static String archive() throws Exception {
        Path used = Path.of(CuratorFramework.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        try (DirectoryStream<Path> named = Files.newDirectoryStream(used.getParent(), "curator-framework-*.jar")) {
            for (Path path : named) if (Files.isSameFile(path, used)) return path.getFileName().toString();
        }
        return used.getFileName().toString();
    }

    static CuratorFramework connect() throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.newClient(System.getenv("PEERS_SERVER"), new ExponentialBackoffRetry(100, 3));
        client.start();
        if (!client.blockUntilConnected(PATIENCE, TimeUnit.SECONDS)) throw new IllegalStateException("no server of " + System.getenv("PEERS_SERVER") + " answers");
        return client;
    }

    /** A queue that only takes items in. */
    static DistributedQueue<String> producer(CuratorFramework client, String path, boolean background) throws Exception {
        DistributedQueue<String> queue = QueueBuilder.<String>builder(client, null, SERIALIZER, path).putInBackground(background).buildQueue();
        queue.start();
        return queue;
    }

    /** With a lock path, an item comes back if its consumer dies. Without one, the item is lost. */
    static DistributedQueue<String> consumer(CuratorFramework client, String path, boolean lockPath) {
        QueueBuilder<String> builder = QueueBuilder.builder(client, NOTHING, SERIALIZER, path);
        return (lockPath ? builder.lockPath(path + "-locks") : builder).buildQueue();
    }

    static int size(CuratorFramework client, String path) throws Exception { return client.checkExists().forPath(path).getNumChildren(); }

    static double since(long began) { return (System.nanoTime() - began) / 1e9; }

    /** Puts items in the background, and returns the seconds until all are there. */
    static double put(CuratorFramework client, String path, int n) throws Exception {
        DistributedQueue<String> queue = producer(client, path, true);
        long began = System.nanoTime();
        for (int i = 0; i < n; i++) queue.put("item-" + i);
        queue.flushPuts(PATIENCE, TimeUnit.SECONDS);
        while (size(client, path) < n) {
            if (since(began) > PATIENCE) throw new IllegalStateException(size(client, path) + " of " + n + " items are there after " + PATIENCE + " s");
            Thread.sleep(2);
        }
        double took = since(began);
        queue.close();
        return took;
    }

    /** How many items were consumed, and in how many seconds. */
    record Drained(int done, double took) { }

    /** Drains a queue until it is empty, or the window is over. */
    static Drained drain(CuratorFramework client, String path, int waiting, int consumers, boolean lockPath, int window) throws Exception {
        List<CuratorFramework> clients = new ArrayList<>();
        List<DistributedQueue<String>> queues = new ArrayList<>();
        for (int i = 0; i < consumers; i++) {
            CuratorFramework c = connect();
            clients.add(c);
            queues.add(consumer(c, path, lockPath));
        }
        long began = System.nanoTime();
        for (DistributedQueue<String> q : queues) q.start();
        while (size(client, path) > 0 && since(began) < window) Thread.sleep(5);
        int done = waiting - size(client, path);
        double took = since(began);
        for (DistributedQueue<String> q : queues) q.close();
        for (CuratorFramework c : clients) c.close();
        return new Drained(done, took);
    }

    /** Prints how long one item takes on an idle queue, from put until the producer sees it gone. The queue has no results. */
    static void lone(CuratorFramework client, String path, int n) throws Exception {
        CuratorFramework other = connect();
        DistributedQueue<String> in = producer(client, path, false), out = consumer(other, path, true);
        out.start();
        Thread.sleep(500);
        double[] took = new double[n];
        for (int i = -WARM_UP; i < n; i++) {
            Thread.sleep(30);
            long began = System.nanoTime();
            in.put("item");
            while (size(client, path) > 0) {
                if (since(began) > PATIENCE) throw new IllegalStateException("an item is there after " + PATIENCE + " s");
                Thread.sleep(0, 200_000);
            }
            if (i >= 0) took[i] = since(began);
        }
        out.close();
        in.close();
        other.close();
        Arrays.sort(took);
        say("lone", "no result", 0, n, took[n / 2]);
    }

    static void say(String what, String setting, int waiting, int tasks, double seconds) {
        System.out.printf(Locale.ROOT, "{\"what\":\"%s\",\"setting\":\"%s\",\"waiting\":%d,\"tasks\":%d,\"seconds\":%f}%n", what, setting, waiting, tasks, seconds);
    }

    /** Measures for the suite peers. */
    static void alongside(CuratorFramework client, String below) throws Exception {
        int tasks = number("TASKS"), few = number("FEW"), window = number("WINDOW");
        say("submit", "in the background", 0, tasks, put(client, below + "/many", tasks));
        put(client, below + "/few", few);
        Drained all = drain(client, below + "/few", few, CONSUMERS, true, window);
        say("drain", String.format("%d consumers, %d s at most", CONSUMERS, window), few, all.done(), all.took());
        lone(client, below + "/lone", number("LONE"));
    }

    /** Puts items one after the other, and returns the seconds. */
    static double putEach(DistributedQueue<String> queue, int n) throws Exception {
        long began = System.nanoTime();
        for (int i = 0; i < n; i++) queue.put("payload");
        return since(began);
    }

    /** The items of one putMulti: they are one znode, and one consumer gets them all. */
    static MultiItem<String> items(int n) {
        Iterator<String> all = Collections.nCopies(n, "payload").iterator();
        return () -> all.hasNext() ? all.next() : null;
    }

    static double putMulti(DistributedQueue<String> queue, int n) throws Exception {
        long began = System.nanoTime();
        for (int done = 0; done < n; done += EACH_PUT) queue.putMulti(items(Math.min(EACH_PUT, n - done)));
        return since(began);
    }

    /** Measures for the suite queue. */
    static void putsAndTakes(CuratorFramework client, String below) throws Exception {
        int tasks = number("TASKS"), few = number("FEW"), n = number("LONE"), window = number("WINDOW");
        DistributedQueue<String> queue = producer(client, below + "/put", false), multi = producer(client, below + "/multi", false);
        putEach(queue, FIRST);
        say("puts", "", 0, n, putEach(queue, n));
        putMulti(multi, FIRST * EACH_PUT);
        say("puts-of-many", String.format("putMulti of %d, one znode", EACH_PUT), 0, tasks, putMulti(multi, tasks));
        put(client, below + "/first", FIRST);
        say("puts-of-many", "put in the background", 0, tasks, put(client, below + "/background", tasks));
        queue.close();
        multi.close();
        for (boolean lockPath : new boolean[] {true, false}) {
            String kind = lockPath ? "a lock path" : "no lock path, an item is lost with its consumer", path = below + (lockPath ? "/locked" : "/unlocked");
            put(client, path + "-first", FIRST);
            drain(client, path + "-first", FIRST, 1, lockPath, window);
            for (String consumers : System.getenv("PEERS_CROWDS").split(",")) {
                put(client, path + consumers, few);
                Drained all = drain(client, path + consumers, few, Integer.parseInt(consumers), lockPath, window);
                say("takes", kind, Integer.parseInt(consumers), all.done(), all.took());
            }
        }
    }

    public static void main(String[] args) throws Exception {
        String below = System.getenv("PEERS_BELOW");
        System.out.printf("{\"what\":\"server\",\"setting\":\"%s, Java %d\"}%n", archive(), Runtime.version().feature());
        CuratorFramework client = connect();
        if (System.getenv("PEERS_PART").equals("queue")) putsAndTakes(client, below);
        else alongside(client, below);
        client.close();
        System.exit(0);
    }
}
