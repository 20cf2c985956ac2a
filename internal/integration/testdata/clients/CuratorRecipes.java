import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryOneTime;
import org.apache.curator.utils.CloseableUtils;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZooKeeper;

/**
 * Goes through Curator's recipes against the servers of ZK_SERVERS, and prints a line for each
 * outcome. The lines are the same on every ZooKeeper. Run it on an empty one.
 */
public class CuratorRecipes {
    static final String SERVERS = System.getenv("ZK_SERVERS");
    static final int PATIENCE = 20; // seconds that anything may take
    static final ExecutorService ASIDE = Executors.newCachedThreadPool();

    final CuratorFramework a = client();
    final CuratorFramework b = client();

    static CuratorFramework client() {
        CuratorFramework zk = CuratorFrameworkFactory.builder().connectString(SERVERS).namespace("curator")
            .sessionTimeoutMs(8_000).connectionTimeoutMs(8_000).retryPolicy(new RetryOneTime(100)).build();
        zk.start();
        return zk;
    }

    static void say(Object... words) {
        StringBuilder line = new StringBuilder();
        for (Object word : words) {
            line.append(line.length() == 0 ? "" : " ").append(word);
        }
        System.out.println(line);
    }

    static String text(byte[] data) {
        return new String(data, StandardCharsets.UTF_8);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The name of the refusal, or "done". */
    static String refused(Callable<?> call) throws Exception {
        try {
            call.call();
        } catch (KeeperException e) {
            return e.code().toString();
        }
        return "done";
    }

    static void until(Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE);
        while (!condition.call()) {
            if (System.nanoTime() > end) {
                throw new TimeoutException("waited for " + PATIENCE + " seconds");
            }
            Thread.sleep(10);
        }
    }

    static <T> T get(Future<T> future) throws Exception {
        return future.get(PATIENCE, TimeUnit.SECONDS);
    }

    static <T> T next(BlockingQueue<T> events) throws Exception {
        T event = events.poll(PATIENCE, TimeUnit.SECONDS);
        if (event == null) {
            throw new TimeoutException("no event in " + PATIENCE + " seconds");
        }
        return event;
    }

    /** Ends the session of a client as its expiry does: a second connection closes it. */
    static void endSession(CuratorFramework zk) throws Exception {
        ZooKeeper its = zk.getZookeeperClient().getZooKeeper();
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper other = new ZooKeeper(SERVERS, 8_000, e -> connected.countDown(), its.getSessionId(), its.getSessionPasswd());
        connected.await(PATIENCE, TimeUnit.SECONDS);
        other.close();
    }

    void znodes() throws Exception {
        say(a.create().creatingParentContainersIfNeeded().forPath("/n/x", bytes("1")));
        say(a.create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath("/n/s-"));
        say(refused(() -> a.create().forPath("/n/x")), refused(() -> a.create().forPath("/none/x")),
            refused(() -> a.delete().forPath("/n")), refused(() -> a.setData().withVersion(7).forPath("/n/x", bytes("2"))));
        say(a.create().withTtl(60_000).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath("/n/ttl", bytes("t")));
        List<?> results = a.transaction().forOperations(a.transactionOp().create().forPath("/n/t", bytes("1")),
            a.transactionOp().setData().forPath("/n/t", bytes("2")), a.transactionOp().check().withVersion(1).forPath("/n/t"));
        say("parts:", results.size(), text(b.getData().forPath("/n/t")));
        say(refused(() -> a.transaction().forOperations(a.transactionOp().create().forPath("/n/u"),
            a.transactionOp().check().withVersion(9).forPath("/n/t"))), a.checkExists().forPath("/n/u") == null);
        a.delete().deletingChildrenIfNeeded().forPath("/n");
        say("gone:", b.checkExists().forPath("/n") == null);
    }

    void mutex() throws Exception {
        InterProcessMutex mine = new InterProcessMutex(a, "/mutex");
        InterProcessMutex its = new InterProcessMutex(b, "/mutex");
        mine.acquire();
        mine.acquire();
        say("b without waiting:", get(ASIDE.submit(() -> its.acquire(200, TimeUnit.MILLISECONDS))));
        mine.release();
        say("still held:", mine.isAcquiredInThisProcess());
        Future<Boolean> waiting = ASIDE.submit(() -> {
            boolean got = its.acquire(PATIENCE, TimeUnit.SECONDS);
            its.release();
            return got;
        });
        mine.release();
        say("b after the release:", get(waiting));
    }

    void mutexOfLostSession() throws Exception {
        CuratorFramework lost = client();
        new InterProcessMutex(lost, "/lost").acquire();
        InterProcessMutex waits = new InterProcessMutex(a, "/lost");
        Future<Boolean> waiting = ASIDE.submit(() -> waits.acquire(PATIENCE, TimeUnit.SECONDS));
        endSession(lost);
        say("acquired:", get(waiting), "participants:", waits.getParticipantNodes().size());
        lost.close();
    }

    void readWriteLock() throws Exception {
        InterProcessReadWriteLock mine = new InterProcessReadWriteLock(a, "/rw");
        InterProcessReadWriteLock its = new InterProcessReadWriteLock(b, "/rw");
        mine.readLock().acquire();
        say("second reader:", its.readLock().acquire(PATIENCE, TimeUnit.SECONDS));
        its.readLock().release();
        say("writer beside a reader:", its.writeLock().acquire(200, TimeUnit.MILLISECONDS));
        mine.readLock().release();
        say("writer:", its.writeLock().acquire(PATIENCE, TimeUnit.SECONDS), "which reads:", its.readLock().acquire(PATIENCE, TimeUnit.SECONDS));
        say("reader beside a writer:", mine.readLock().acquire(200, TimeUnit.MILLISECONDS));
    }

    void semaphore() throws Exception {
        InterProcessSemaphoreV2 mine = new InterProcessSemaphoreV2(a, "/semaphore", 2);
        InterProcessSemaphoreV2 its = new InterProcessSemaphoreV2(b, "/semaphore", 2);
        Lease first = mine.acquire();
        Lease second = its.acquire();
        say("a third lease:", its.acquire(200, TimeUnit.MILLISECONDS) != null, "held:", mine.getParticipantNodes().size());
        mine.returnLease(first);
        say("after a return:", its.acquire(PATIENCE, TimeUnit.SECONDS) != null);
    }

    void leaderLatch() throws Exception {
        CuratorFramework lost = client();
        LeaderLatch first = new LeaderLatch(lost, "/latch", "first");
        first.start();
        say("first leads:", first.await(PATIENCE, TimeUnit.SECONDS));
        LeaderLatch second = new LeaderLatch(b, "/latch", "second");
        second.start();
        until(() -> first.getParticipants().size() == 2);
        say("leader:", second.getLeader().getId(), second.hasLeadership());
        endSession(lost);
        second.await(PATIENCE, TimeUnit.SECONDS);
        say("leader:", second.getLeader().getId());
        until(() -> second.getParticipants().size() == 2); // the first is back, as the last
        second.close();
        first.await(PATIENCE, TimeUnit.SECONDS);
        say("leader:", first.getLeader().getId());
        first.close();
        lost.close();
    }

    void leaderSelector() throws Exception {
        BlockingQueue<String> led = new LinkedBlockingQueue<>();
        CountDownLatch go = new CountDownLatch(1);
        LeaderSelector one = selector(a, "one", led, go);
        String first = next(led);
        LeaderSelector two = selector(b, "two", led, go);
        until(() -> one.getParticipants().size() == 2);
        say("leads:", first, one.hasLeadership(), two.hasLeadership());
        go.countDown();
        say("leads:", next(led));
        one.close();
        two.close();
    }

    LeaderSelector selector(CuratorFramework zk, String name, BlockingQueue<String> led, CountDownLatch go) {
        LeaderSelector s = new LeaderSelector(zk, "/selector", new LeaderSelectorListenerAdapter() {
            @Override
            public void takeLeadership(CuratorFramework client) throws Exception {
                led.add(name);
                go.await();
            }
        });
        s.setId(name);
        s.start();
        return s;
    }

    void caches() throws Exception {
        a.create().creatingParentsIfNeeded().forPath("/cached/x", bytes("1"));
        BlockingQueue<String> children = new LinkedBlockingQueue<>();
        PathChildrenCache paths = new PathChildrenCache(a, "/cached", true);
        paths.getListenable().addListener((zk, e) -> children.add(e.getType() + (e.getData() == null ? "" : " " + e.getData().getPath())));
        paths.start(PathChildrenCache.StartMode.POST_INITIALIZED_EVENT);
        say(next(children), next(children));
        BlockingQueue<String> nodes = new LinkedBlockingQueue<>();
        TreeCache tree = new TreeCache(a, "/cached");
        tree.getListenable().addListener((zk, e) -> nodes.add(e.getType() + (e.getData() == null ? "" : " " + e.getData().getPath())));
        tree.start();
        say(next(nodes), next(nodes), next(nodes));
        BlockingQueue<String> persistent = new LinkedBlockingQueue<>();
        CuratorFramework apart = client(); // because on 3.8 its watch would replace those of the other caches
        CuratorCache cache = CuratorCache.build(apart, "/cached");
        cache.listenable().addListener((type, old, data) -> persistent.add(type + " " + (data == null ? old : data).getPath()));
        cache.start();
        say(next(persistent), next(persistent));
        for (String change : List.of("create", "set", "delete")) {
            if (change.equals("create")) {
                b.create().forPath("/cached/y", bytes("2"));
            } else if (change.equals("set")) {
                b.setData().forPath("/cached/y", bytes("3"));
            } else {
                b.delete().forPath("/cached/y");
            }
            say(change + ":", next(children) + ",", next(nodes) + ",", next(persistent));
        }
        say("in the cache:", text(tree.getCurrentData("/cached/x").getData()), cache.size(), paths.getCurrentData().size());
        cache.close();
        apart.close();
        tree.close();
        paths.close();
    }

    void persistentNode() throws Exception {
        CuratorFramework lost = client();
        PersistentNode node = new PersistentNode(lost, CreateMode.EPHEMERAL, false, "/persistent", bytes("p"));
        node.start();
        say("made:", node.waitForInitialCreate(PATIENCE, TimeUnit.SECONDS), text(a.getData().forPath("/persistent")));
        long owner = a.checkExists().forPath("/persistent").getEphemeralOwner();
        a.delete().forPath("/persistent");
        until(() -> a.checkExists().forPath("/persistent") != null);
        say("made again after a delete");
        endSession(lost);
        until(() -> {
            var stat = a.checkExists().forPath("/persistent");
            return stat != null && stat.getEphemeralOwner() != owner;
        });
        say("made again by the next session");
        node.close();
        until(() -> a.checkExists().forPath("/persistent") == null);
        GroupMember one = new GroupMember(a, "/group", "one", bytes("1"));
        GroupMember two = new GroupMember(b, "/group", "two", bytes("2"));
        one.start();
        two.start();
        until(() -> one.getCurrentMembers().size() == 2);
        say("members:", new java.util.TreeSet<>(one.getCurrentMembers().keySet()));
        two.close();
        until(() -> one.getCurrentMembers().size() == 1);
        one.close();
        lost.close();
    }

    void counters() throws Exception {
        SharedCount mine = new SharedCount(a, "/count", 5);
        SharedCount its = new SharedCount(b, "/count", 9);
        mine.start();
        its.start();
        say("counts:", mine.getCount(), its.getCount());
        mine.setCount(6);
        until(() -> its.getCount() == 6);
        say("set from what was seen:", its.trySetCount(its.getVersionedValue(), 7));
        DistributedAtomicLong sum = new DistributedAtomicLong(a, "/sum", new RetryOneTime(1));
        DistributedAtomicLong same = new DistributedAtomicLong(b, "/sum", new RetryOneTime(1));
        say(sum.add(40L).postValue(), same.increment().postValue(), sum.get().postValue());
        say(same.compareAndSet(1L, 2L).succeeded(), same.compareAndSet(41L, 42L).succeeded());
        mine.close();
        its.close();
        SimpleDistributedQueue queue = new SimpleDistributedQueue(a, "/queue");
        queue.offer(bytes("1"));
        queue.offer(bytes("2"));
        SimpleDistributedQueue end = new SimpleDistributedQueue(b, "/queue");
        say(text(end.take()), text(end.take()), end.poll());
    }

    void barriers() throws Exception {
        DistributedBarrier barrier = new DistributedBarrier(a, "/barrier");
        barrier.setBarrier();
        say("passes:", new DistributedBarrier(b, "/barrier").waitOnBarrier(200, TimeUnit.MILLISECONDS));
        barrier.removeBarrier();
        say("passes:", new DistributedBarrier(b, "/barrier").waitOnBarrier(PATIENCE, TimeUnit.SECONDS));
        Future<Boolean> other = ASIDE.submit(() -> passes(b));
        say("both sides:", passes(a), get(other));
    }

    boolean passes(CuratorFramework zk) throws Exception {
        DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(zk, "/double", 2);
        return barrier.enter(PATIENCE, TimeUnit.SECONDS) && barrier.leave(PATIENCE, TimeUnit.SECONDS);
    }

    interface Recipe {
        void run() throws Exception;
    }

    public static void main(String[] none) throws Exception {
        CuratorRecipes r = new CuratorRecipes();
        List<Map.Entry<String, Recipe>> recipes = List.of(Map.entry("znodes", r::znodes), Map.entry("mutex", r::mutex),
            Map.entry("mutex of a lost session", r::mutexOfLostSession), Map.entry("read-write lock", r::readWriteLock),
            Map.entry("semaphore", r::semaphore), Map.entry("leader latch", r::leaderLatch),
            Map.entry("leader selector", r::leaderSelector), Map.entry("caches", r::caches),
            Map.entry("persistent node", r::persistentNode), Map.entry("counters", r::counters),
            Map.entry("barriers", r::barriers));
        int code = 0;
        try {
            for (Map.Entry<String, Recipe> recipe : recipes) {
                say("#", recipe.getKey());
                recipe.getValue().run();
            }
        } catch (Exception e) {
            e.printStackTrace();
            code = 1;
        }
        CloseableUtils.closeQuietly(r.a);
        CloseableUtils.closeQuietly(r.b);
        System.exit(code);
    }
}
