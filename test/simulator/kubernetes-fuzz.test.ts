import { SimulatedKubernetes } from '../../simulator/kubernetes/cluster-api.js';
import https from 'node:https'; import net from 'node:net';
test('fuzz', async () => {
  const junk: unknown[] = [7, 'x', [], [7], [null], [{}], {}, { a: 7 }, { a: null }, true, [[1]], '']; 
  const api = await SimulatedKubernetes.create({clusterName:'f',version:'1.34.2',endpoint:'127.0.0.1:1',sans:[]});
  const s = net.createServer((k)=>api.handle(k)).listen(0,'127.0.0.1'); await new Promise(r=>s.once('listening',r));
  const port=(s.address() as any).port; const {cert,key}=api.snapshot().certificates.admin;
  const agent = new https.Agent({keepAlive:true,cert,key,ca:api.caPem});
  const send=(method:string,path:string,body?:unknown,type='application/json'):Promise<[number,string]>=>new Promise((ok,no)=>{const t=body===undefined?'':JSON.stringify(body);const r=https.request({host:'127.0.0.1',port,agent,method,path,headers:{'content-type':type,'content-length':Buffer.byteLength(t),accept: Math.random()<0.5?'application/json;as=Table;v=v1;g=meta.k8s.io,application/json':'application/json'}},x=>{let b='';x.on('data',d=>b+=d);x.on('end',()=>ok([x.statusCode!,b]));});r.on('error',no);r.end(t);});
  for(const n of ['a','b']){api.upsertNode({name:n,role:n==='a'?'control':'worker',address:'10.0.0.1',version:'1.34.2',machineId:'m'+n});api.setNodeReady(n,true);}
  const tpl={metadata:{labels:{app:'w'}},spec:{containers:[{name:'c',image:'i'}]}};
  const make=async()=>{
    await send('POST','/apis/apps/v1/namespaces/default/deployments',{metadata:{name:'w'},spec:{replicas:2,selector:{matchLabels:{app:'w'}},template:tpl}});
    await send('POST','/apis/apps/v1/namespaces/default/statefulsets',{metadata:{name:'w'},spec:{replicas:2,selector:{matchLabels:{app:'w'}},template:tpl}});
    await send('POST','/apis/apps/v1/namespaces/default/daemonsets',{metadata:{name:'w'},spec:{selector:{matchLabels:{app:'w'}},template:tpl}});
    await send('POST','/apis/policy/v1/namespaces/default/poddisruptionbudgets',{metadata:{name:'w'},spec:{minAvailable:1,selector:{matchLabels:{app:'w'}}}});
    await send('POST','/api/v1/namespaces/default/pods',{metadata:{name:'w',labels:{app:'w'}},spec:tpl.spec});
    await send('POST','/api/v1/namespaces/default/services',{metadata:{name:'w'},spec:{ports:[{port:1}]}});
    await send('POST','/api/v1/namespaces/default/secrets',{metadata:{name:'w'}});
    await send('POST','/api/v1/namespaces/default/events',{metadata:{name:'w'}});
    await send('POST','/apis/apiextensions.k8s.io/v1/customresourcedefinitions',{metadata:{name:'w'},spec:{group:'x.y',scope:'Cluster',names:{plural:'ws',kind:'W'},versions:[{name:'v1'}]}});
  };
  await make();
  const paths=['/api/v1/nodes/b','/api/v1/namespaces/default/pods/w','/api/v1/namespaces/default/services/w','/api/v1/namespaces/default/secrets/w','/api/v1/namespaces/default/events/w','/api/v1/namespaces/default',
   ...['deployments','statefulsets','daemonsets'].map(k=>`/apis/apps/v1/namespaces/default/${k}/w`),'/apis/policy/v1/namespaces/default/poddisruptionbudgets/w','/apis/apiextensions.k8s.io/v1/customresourcedefinitions/w','/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/b'];
  const fields=['metadata.labels','metadata.annotations','metadata.ownerReferences','metadata.finalizers','metadata.name','metadata.resourceVersion','metadata.uid','metadata.creationTimestamp','metadata.deletionTimestamp','metadata','spec','status','spec.taints','spec.tolerations','spec.nodeSelector','spec.containers','spec.template','spec.template.spec','spec.template.metadata','spec.template.metadata.labels','spec.template.spec.tolerations','spec.template.spec.nodeSelector','spec.template.spec.containers','spec.replicas','spec.selector','spec.selector.matchLabels','spec.selector.matchExpressions','spec.minAvailable','spec.maxUnavailable','spec.versions','spec.names','spec.group','spec.ports','spec.externalIPs','spec.nodeName','spec.unschedulable','data','stringData','involvedObject','source','type','spec.scope','kind','apiVersion','spec.names.shortNames','spec.names.categories','status.conditions','status.addresses','status.nodeInfo','status.phase','status.containerStatuses'];
  const bad=new Map<string,number>(); const note=(k:string)=>bad.set(k,(bad.get(k)??0)+1);
  for(const p of paths) for(const f of fields) for(const j of junk) for (const sub of f.startsWith('status')?['','/status']:['']) {
    const parts=f.split('.'); let body:any=j; for(const q of parts.reverse()) body={[q]:body};
    const type=['application/merge-patch+json','application/strategic-merge-patch+json','application/apply-patch+yaml'][Math.floor(Math.random()*3)];
    const [code,text]=await send('PATCH',p+sub+'?fieldManager=x',body,type);
    if(code>=500) note(`PATCH ${p.split("/").at(-2)}${sub} ${f} ${text.slice(0,1200).match(/"message":"[^"]*/)?.[0]}`);
    const again=await send('POST','/apis/policy/v1/namespaces/default/poddisruptionbudgets',{metadata:{name:'tmp'},spec:{minAvailable:1,selector:{}}});
    if(again[0]>=500) note(`  then POST after ${p.split('/').at(-2)} ${f}: ${again[1].match(/"message":"[^"]*/)?.[0]}`);
    await send('DELETE','/apis/policy/v1/namespaces/default/poddisruptionbudgets/tmp');
    for(const l of [p.split('/').slice(0,-1).join('/'),p,'/apis','/api/v1/nodes']){const r=await send('GET',l); if(r[0]>=500) note(`  then GET ${l} ${f}: ${r[1].slice(0,200)}`);}
    try{api.setNodeReady('b',false);api.setNodeReady('b',true);api.upsertNode({name:'b',role:'worker',address:'10.0.0.1',version:'1.34.2',machineId:'mb'});}catch(e){note(`  THROW after ${p} ${f} ${(e as Error).stack?.split('\n').slice(0,3).join('|')}`);}
    if(code<300||code>=500){await send('PATCH',p,{metadata:{finalizers:null}},'application/merge-patch+json');await send('DELETE',p+'?gracePeriodSeconds=0');if(p.endsWith('nodes/b'))api.removeNode('b');if(!api.nodeNames().includes('b')){api.upsertNode({name:'b',role:'worker',address:'10.0.0.1',version:'1.34.2',machineId:'mb'});api.setNodeReady('b',true);}await make();}
  }
  console.log(bad.size,[...bad.entries()].slice(0,40).map(([k,n])=>`${n} ${k}`).join('\n'));
  agent.destroy();api.close();s.close();
}, 600000);
